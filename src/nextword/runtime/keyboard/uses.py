"""The new words of a text: which may be learned from it, and which have been."""

from nextword.runtime.keyboard.mixture import Mixture
from nextword.runtime.keyboard.text_field import TextField, begins_sentence, is_word


class Uses:
    """Counts the uses of new words while a text is written, deleted and sent.

    **Arguments:**

    - `field`: the text.
    - `mixture`: says which words are new, and what the user's own words are.
    """

    def __init__(self, field: TextField, mixture: Mixture) -> None:
        self._field, self._mixture, self._personal = field, mixture, mixture.personal
        self._lowercase = mixture.lowercase
        self._used: list[str | None] = []  # for each word of the text, what may be learned from it
        self._sent = 0  # words of the text that have been learned
        self._sent_text = ""  # the text when it was sent, as long as it begins like that
        self._unfinished: str | None = None  # its last word, if that was learned before it was finished

    def compare(self, text: str) -> None:
        """Finds out whether a text only goes on after what was sent."""
        if not text.startswith(self._sent_text):
            self._sent_text, self._unfinished = "", None

    def remove(self, kept: int) -> None:
        """Keeps the uses of only this many words; the others, if not sent, count as never written."""
        for word in self._used[max(kept, self._sent) :]:
            if word:
                self._personal.unuse(word)
        del self._used[kept:]
        self._sent = min(self._sent, kept)

    def add(self, kept: int) -> None:
        """Counts the words from this number onwards as used."""
        for number in range(kept, len(self._field.words)):
            word = self._new_word(number)
            self._used.append(word)
            if word and number == self._sent and word == self._unfinished:
                self._sent += 1
            elif word:
                self._personal.use(word)

    def commit(self) -> None:
        """Learns the new words of the text, which was sent, the unfinished one included."""
        last = self._new_word(len(self._field.words)) if self._field.typed else None
        if last and last != self._unfinished:
            self._personal.use(last)
        self._personal.learn()
        self._sent, self._sent_text, self._unfinished = len(self._field.words), self._field.text, last

    def _new_word(self, number: int) -> str | None:
        """The word with this number as it can be learned, `None` if there is nothing to learn."""
        surfaces = [*self._field.surfaces, self._field.typed]
        word = surfaces[number]
        if not any(map(str.isalpha, word)) or self._mixture.has(word) or not is_word(word):
            return None
        # A sentence begins with a capital anyway; a model without capitals cannot say more.
        if self._lowercase and begins_sentence(self._field.surfaces[:number]):
            return word if word in self._personal else word[:1].lower() + word[1:]
        return word
