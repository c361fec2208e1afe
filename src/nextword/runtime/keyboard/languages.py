"""The language of a model behind a keyboard, by how it splits texts."""

from nextword.runtime.keyboard.language import Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.whole_words import WholeWords
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile


def language_of(
    model: ModelFile, adapts: bool, layout: Layout, punctuation: bool, dynamic: DynamicEvaluation | None
) -> Language:
    """The language of a model.

    **Arguments:**

    - `adapts`, `layout`, `punctuation`: as for `Generator.keyboard`.
    - `dynamic`: what changes the model's weights, if anything.
    """
    if model.metadata.split_by != "subwords":
        return WholeWords(model, adapts, layout, punctuation, dynamic)
    from nextword.runtime.keyboard.subword_language import SubwordLanguage

    return SubwordLanguage(model, adapts, layout, punctuation, dynamic)
