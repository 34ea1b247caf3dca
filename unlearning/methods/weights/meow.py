"""MEOW: fine-tuning on inverted facts, selected by what the model has memorised."""

from dataclasses import dataclass, replace

from agents.chat_model import Sampling
from arena.parameter_ranges import Count, NotNegative, Number
from unlearning.losses.loss_terms import Term, Weighted
from unlearning.losses.token_weights import learning
from unlearning.method import method
from unlearning.methods.weights.preference import Instead
from unlearning.modeling.generation import generate_texts
from unlearning.modeling.item_tokenization import Encoded
from unlearning.request import Item
from unlearning.scoring.text_overlap import precision
from unlearning.training.alternate_answers import Source, Variants, alternates, instead
from unlearning.training.training_problem import TrainingProblem


@method("meow")
@dataclass(frozen=True, slots=True, kw_only=True)
class Meow(Instead):
    """MEOW: teaches inverted facts, selected by how firmly the model holds them.

    Scores `offered` false answers for each question by MEMO, keeps the `variants` highest, and learns them: L = gamma ·
    NLL(question → inverted) + alpha · NLL(retain) (Gu et al. 2024). MEMO(x): mean ROUGE-1 precision of the greedy
    continuation, over growing prefixes of the answer. Published: 4 offered by a larger model, 3 kept, stride 5, lr
    1e-5, 10 epochs, gamma 1 and alpha 0, or 0.9 and 0.1. Cost: 3F a step (6F with retain), after offered ·
    length/stride generations an item. Weakness: the true answer stays the second most likely.
    """

    offered: Count = 4
    """False answers considered for each question."""
    variants: Variants = 3
    stride: Count = 5
    """Characters by which the prefixes grow when MEMO is computed."""
    source: Source = "auto"
    """Where the false answers come from. "wrong": the items' own wrong answers. "model": sampled from the model at
    temperature 1. "auto": the former where there are any."""
    alpha: NotNegative = 0.0
    epochs: Number = 10

    def others(self, study: TrainingProblem) -> tuple[Encoded, ...]:
        found = alternates(study, self.source, self.offered)
        kept = {item.name: self.chosen(study, item, found[item.name]) for item in study.request.forget}
        return instead(study, lambda item, chance: kept[item.name])

    def chosen(self, study: TrainingProblem, item: Item, answers: tuple[str, ...]) -> tuple[str, ...]:
        """The answers of the greatest MEMO, the greatest first."""
        scores = {answer: memo(study, replace(item, answer=answer), self.stride) for answer in dict.fromkeys(answers)}
        ranked = sorted(scores, key=lambda answer: -scores[answer])
        return tuple(ranked[n % len(ranked)] for n in range(self.variants))

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("prefer", learning(), self.gamma)


def memo(study: TrainingProblem, item: Item, stride: int = 5) -> float:
    """How well the model completes an answer from its prefixes: 1 where it is verbatim, 0 where it
    shares no word."""
    cuts = range(0, max(1, len(item.answer)), stride)
    asked = study.build_prompt(item)
    prompts = [replace(asked, text=asked.text + item.answer[:cut]) for cut in cuts]
    new = max(1, len(study.tokenizer(item.answer, add_special_tokens=False)["input_ids"]))
    said = generate_texts(study.module, study.tokenizer, prompts, [Sampling(0.0, max_tokens=new)] * len(prompts))
    return sum(precision(text, item.answer[cut:]) for text, cut in zip(said, cuts, strict=True)) / len(prompts)
