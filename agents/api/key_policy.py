"""Which servers may receive the API key of an environment variable: its provider's, and those the user allowed.

A plan or a record may name any variable and any address; that pairing is theirs, not the user's. So the variable of a
provider goes to that provider's servers over https, and every other pairing needs her word (`arena/key_permission.py`).
The variable that a provider's class uses of itself is left out where it does not belong; one that is named is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from arena.errors import UsageError
from arena.key_permission import ALLOWED, get_permission
from arena.user_settings import config_folder

BELONGS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # hosts run by the owner of the key alone
    {
        "OPENAI_API_KEY": ("api.openai.com", "eu.api.openai.com", "us.api.openai.com"),
        "ANTHROPIC_API_KEY": ("api.anthropic.com",),
        "CEREBRAS_API_KEY": ("api.cerebras.ai",),
        "DASHSCOPE_API_KEY": ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"),
        "DEEPINFRA_API_KEY": ("api.deepinfra.com",),
        "DEEPSEEK_API_KEY": ("api.deepseek.com",),
        "FIREWORKS_API_KEY": ("api.fireworks.ai",),
        "FIREWORKS_AI_API_KEY": ("api.fireworks.ai",),
        "GEMINI_API_KEY": ("generativelanguage.googleapis.com",),
        "GOOGLE_API_KEY": ("generativelanguage.googleapis.com",),
        "GROQ_API_KEY": ("api.groq.com",),
        "HF_TOKEN": ("router.huggingface.co",),
        "MISTRAL_API_KEY": ("api.mistral.ai",),
        "MOONSHOT_API_KEY": ("api.moonshot.ai", "api.moonshot.cn"),
        "NVIDIA_API_KEY": ("integrate.api.nvidia.com",),
        "NVIDIA_NIM_API_KEY": ("integrate.api.nvidia.com",),
        "OPENROUTER_API_KEY": ("openrouter.ai",),
        "PERPLEXITY_API_KEY": ("api.perplexity.ai",),
        "PERPLEXITYAI_API_KEY": ("api.perplexity.ai",),
        "SAMBANOVA_API_KEY": ("api.sambanova.ai",),
        "TOGETHER_API_KEY": ("api.together.xyz", "api.together.ai"),
        "TOGETHERAI_API_KEY": ("api.together.xyz", "api.together.ai"),
        "XAI_API_KEY": ("api.x.ai",),
    }
)


@dataclass(frozen=True, slots=True)
class Server:
    """The server of a call. host: "" where a provider's name in `provider` says it all. chosen: by the plan or the
    record, not by the provider's class or the user's environment."""

    host: str = ""
    port: int | None = None
    secure: bool = True
    provider: str = ""
    chosen: bool = False

    @staticmethod
    def at(url: str | None, provider: str, chosen: bool) -> "Server":
        """The server of an address; without one, the provider's own."""
        if url is None:
            return Server(provider=provider)
        parts = urlsplit(url)
        return Server((parts.hostname or "").lower(), parts.port, parts.scheme == "https", provider, chosen)

    def __str__(self) -> str:
        bare = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{bare}:{self.port}" if self.port else bare) or self.provider


def may_send(variable: str, server: Server, own: tuple[str, ...]) -> bool:
    """Whether the key in `variable` may go to `server`; `own` are the variables of the provider's class."""
    given = get_permission()
    if given is None or belongs(variable, server, own):
        return True
    if variable in given.variables and not server.chosen:
        return True  # she typed the variable, and the server is the provider's, or that of her environment
    host = f"[{server.host}]" if ":" in server.host else server.host
    return given.allows(variable, host or server.provider, server.port)


def belongs(variable: str, server: Server, own: tuple[str, ...]) -> bool:
    """Whether the server is run by the key's owner, or set together with the key in the user's environment."""
    if not server.chosen and variable in own:
        return True
    return server.secure and server.host in BELONGS.get(variable, ())


def build_refusal(model: str, variable: str, server: Server, own: tuple[str, ...]) -> UsageError:
    """The error for a key that was named for a server to which it does not belong."""
    mine = [name for name, hosts in BELONGS.items() if server.host in hosts] or ([] if server.chosen else list(own))
    plain = " over http" if server.host in BELONGS.get(variable, ()) else ""
    better = f"key_variable = {' or '.join(mine)}" if mine else "leave key_variable out"
    return UsageError(
        f"model {model!r}: the key in {variable} is not known to belong to {server}{plain}, and nobody but the plan or "
        f"the record says so; nothing was sent. What is possible: {better}; or, if you want that key to go there, "
        f"{explain_permission(variable, server)}"
    )


def explain_permission(variable: str, server: Server) -> str:
    """The command that allows the key for the server."""
    kept = config_folder() / ALLOWED
    return f'add --allow-key {variable}@{server} (or for good: {{"{variable}": ["{server}"]}} in {kept})'


def explain_unsent_key(variable: str, server: Server) -> str:
    """The message for a call that was rejected because the provider's usual key was not sent."""
    mine = [name for name, hosts in BELONGS.items() if server.host in hosts]
    better = f"name its own by key_variable = {' or '.join(mine)}; " if mine else ""
    permission = explain_permission(variable, server)
    return f"${variable} was not sent, as it does not belong to {server}; {better}to send it, {permission}"
