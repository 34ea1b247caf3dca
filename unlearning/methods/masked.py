"""Another method's training, let in only where what is to be forgotten is held."""

from dataclasses import dataclass, field

from arena.errors import UsageError
from unlearning.hosted import Hosted
from unlearning.method import Method, method
from unlearning.methods.ascent import GradDiff
from unlearning.methods.npo import NPO
from unlearning.saliency import above, gradients, greatest, row_norms, wagle
from unlearning.scope import Scope
from unlearning.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked(Hosted):
    """The base of methods that mask the model's own weights, where an adapter has no place."""

    def __post_init__(self) -> None:
        Hosted.__post_init__(self)
        if self.lora is not None:
            raise ValueError("a mask is over the model's own weights; leave lora out")

    def room(self, study: Study) -> Scope:
        """Which parameters may be chosen from: `where`, else the host's."""
        return Scope(self.where) if self.where else self.hosting.scope(study)


@method("wagle")
@dataclass(frozen=True, slots=True, kw_only=True)
class Wagle(Masked):
    """WAGLE: trains the weights that matter to forgetting and little to keeping.

    S = |(θ − g_r/mu) g_f| for each entry; the `share` of greatest S is trained by the host, the rest stays bit for bit:
    gradient and weight decay are masked (Jia et al. 2024; in the authors' code decay is not). mu → ∞ is SNIP's |θ g_f|,
    mu → 0 ranks by |g_r g_f|, share 1 is the host. Published: mu 1e-6 to 1e-3, share 0.8 to 0.95, NPO lr 1e-5, GradDiff
    lr 7e-6. Cost: the host and one gradient of each set before; one bit a weight. Leaks: as the host.
    """

    host: Method = field(default_factory=NPO)
    mu: float = 1e-3
    share: float = 0.8

    def scope(self, study: Study) -> Scope:
        chosen = self.room(study)
        if not study.retain:
            raise UsageError("wagle weighs forgetting against keeping; name items to retain")
        forget = gradients(study.module, chosen, study.forget, study.pad)
        retain = gradients(study.module, chosen, study.retain, study.pad)
        weights = {name: p.detach() for name, p in study.module.named_parameters() if name in forget}
        return Scope(chosen.names, greatest(wagle(weights, forget, retain, self.mu), self.share))


@method("sure")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sure(Masked):
    """SURE: trains the rows that carry most of the forget gradient, at a higher rate, so that rounding keeps it.

    Of each matrix the rows whose part of the forget gradient is at or above `quantile` in length are trained by the
    host, the rest stays bit for bit (Zhang et al. 2025). Made against quantization: changes smaller than half a step
    of the grid vanish when weights are rounded. Published: quantile 0.9, and a rate several times the host's. Cost: the
    host and one gradient of the forget set before. Leaks: as the host, but for rounding.
    """

    host: Method = field(default_factory=GradDiff)
    quantile: float = 0.9
    lr: float = 5e-5

    def scope(self, study: Study) -> Scope:
        chosen = self.room(study)
        scores = row_norms(gradients(study.module, chosen, study.forget, study.pad))
        wide = {name: one for name, one in scores.items() if one.numel() > 1}
        return Scope(chosen.names, above(wide, self.quantile))
