"""Sets a marker in the recording: short for `record mark`."""

from lapel.console.command import Noun, Verb
from lapel.console.commands.record import LABEL, mark

NOUN = Noun("mark", "set a marker", (Verb("", mark, "set a marker in the recording", "service", (LABEL,)),))
