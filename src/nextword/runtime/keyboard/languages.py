"""The language of a model under a keyboard, by how it splits texts."""

from nextword.runtime.keyboard.language import Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.whole_words import WholeWords
from nextword.runtime.model_file import ModelFile


def language_of(model: ModelFile, adapts: bool, layout: Layout, punctuation: bool) -> Language:
    """The language of a model.

    **Arguments:**

    - `adapts`, `layout`, `punctuation`: as of `Generator.keyboard`.
    """
    if model.metadata.split_by != "subwords":
        return WholeWords(model, adapts, layout, punctuation)
    from nextword.runtime.keyboard.subword_language import SubwordLanguage

    return SubwordLanguage(model, adapts, layout, punctuation)
