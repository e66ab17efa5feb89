"""What the offline editor makes of a prompt: colour words, and nouns that it can draw."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something to draw: the name of its motif, and the colours that the prompt gave it (often none)."""

    motif: str
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Idea:
    """A prompt as the painter sees it: the colours of the ground, first to last, and the things upon it."""

    ground: tuple[Colour, ...]
    things: tuple[Thing, ...]


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: 0 is the first, 1 the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _colours(*codes: str) -> tuple[Colour, ...]:
    """Hexadecimal codes as colours."""

    def level(pair: str) -> float:
        return int(pair, 16) / 255

    return tuple((level(code[0:2]), level(code[2:4]), level(code[4:6])) for code in codes)


def _vocabulary(*lines: tuple[str, str]) -> dict[str, str]:
    """(words separated by spaces, what they stand for) as one dictionary."""
    return {word: meaning for words, meaning in lines for word in words.split()}


# English, German, Spanish, French; written without accents, as _plain leaves them.
_COLOUR_WORDS: Final = _vocabulary(
    ("red scarlet crimson ruby rot rote roter rotes roja rojo rouge", "d23b36"),
    ("orange tangerine amber apricot naranja", "f08a24"),
    ("yellow lemon gelb gelbe gelber gelbes amarillo amarilla jaune", "f6d13d"),
    ("gold golden goldene goldener goldenes dorado dorada dore doree", "e8b53a"),
    ("green emerald grun grune gruner grunes gruen verde vert verte", "3f9b57"),
    ("lime mint chartreuse", "a5d86b"),
    ("olive khaki moss", "7c8442"),
    ("teal turquoise turkis aquamarine aqua cyan turquesa", "2fb3b0"),
    ("blue azure sapphire cobalt blau blaue blauer blaues azul bleu bleue", "2f6fd0"),
    ("navy indigo midnight", "1d2a63"),
    ("purple violet lilac lavender lila violett morado morada violeta mauve", "8452b8"),
    ("magenta fuchsia", "c9379d"),
    ("pink rose rosa rosy coral salmon", "f08aa7"),
    ("brown chocolate chestnut braun braune marron cafe brun brune", "7d5236"),
    ("black ebony schwarz schwarze negro negra noir noire", "1b1a20"),
    ("white ivory weiss weisse weisser blanco blanca blanc blanche", "f5f1e6"),
    ("grey gray silver silvery grau graue silber gris plateado", "a9b1bb"),
    ("beige cream sand sandy", "e2cfa6"),
)

# What a place, a time or a weather makes of the ground: colours from the top down.
_SCENES: Final = _vocabulary(
    ("sunset dusk sonnenuntergang atardecer crepuscule", "4b3b7c b6527d f08a4b fbd07c"),
    ("sunrise dawn morning morgen amanecer aube matin", "7fa8d9 e9b3c3 fbd9a5 fff0cf"),
    ("night nacht noche nuit dark darkness", "0d1233 1d2a63 35427f"),
    ("sky himmel cielo ciel heaven air", "3f83d6 7fb4e8 cfe6f5"),
    ("sea ocean meer mar mer water lake river wasser agua eau", "7cc3dd 2a86b5 15577f 0c3a5c"),
    ("beach strand playa plage desert dune dunes", "8ecbe6 f3e3b7 e4c183 c99a5b"),
    ("forest wood woods wald bosque foret jungle", "bcd9a0 5f9c5a 2f6a42 173c2c"),
    ("meadow garden grass wiese jardin prairie park lawn field", "cfe7f0 a9d17a 6aab4a 3d7d38"),
    ("fire flame flames lava volcano feuer fuego feu inferno", "2a0d12 7a1c14 d9481c f9a02b"),
    ("ice frost winter arctic eis hielo glace frozen", "dff1fa b5dcf0 86bcdd 5c93c2"),
    ("snow schnee nieve neige blizzard", "9fb8d3 cfdeea f6f9fc"),
    ("storm thunder sturm tormenta orage", "2b3442 4d5a6b 7f8c99"),
    ("space galaxy universe cosmos weltall espacio nebula milky", "0b0c26 2c1b57 6b2f86 1b4a7c"),
    ("autumn fall herbst otono automne", "f3c969 d98a3a b3502d 6b3322"),
    ("spring fruhling primavera printemps", "cdeaf3 d9efb5 f6c7d8 8ecb72"),
    ("candy pastel dream dreamy fairy magic magical", "f9c6dd cdb7f2 aee2f2 fdeab6"),
    ("aurora northern polarlicht", "0d1b3d 1c6f6b 53d19a 7a5cc0"),
    ("evening abend tarde soir", "2e3a6e 7b5d93 dd8f7d"),
)

# A noun that can be drawn: its motif, and the scene that suits it where the prompt names none.
_NOUNS: Final = _vocabulary(
    ("star stern sterne estrella etoile starry sparkle glitter firefly fireflies", "stars night"),
    ("moon mond luna lune moonlight moonlit", "moon night"),
    ("sun sonne sol soleil sunshine sunny", "sun sunrise"),
    ("sunset dusk sonnenuntergang atardecer sunrise dawn", "sun -"),
    (
        "wave welle wellen ola olas vague sea ocean meer mar mer water waterfall lake river puddle beach",
        "waves sea",
    ),
    ("cloud cloudy wolke wolken nube nubes nuage nuages sky himmel", "clouds sky"),
    (
        "flower blume blumen flor flores fleur fleurs blossom blossoms daisy daisies tulip roses poppy poppies bloom",
        "flowers meadow",
    ),
    ("sunflower sonnenblume girasol tournesol", "flowers sky"),
    ("garden meadow wiese jardin spring", "flowers meadow"),
    ("dot dots bubble bubbles ball berry berries punkt punto confetti pearl bead", "bubbles candy"),
    ("aurora northern polarlicht", "stripes aurora"),
    ("stripe stripes striped streifen raya rayas rayure zebra", "stripes candy"),
    ("rainbow regenbogen arcoiris", "rainbow sky"),
    ("mountain berg berge montana montagne hill hills alps peak volcano", "mountains dawn"),
    ("tree baum baume arbol arbre pine fir forest wood woods wald bosque foret", "trees forest"),
    ("fire campfire flame feuer fuego feu lava inferno dragon", "flames fire"),
    ("rain regen lluvia pluie storm rainy", "rain storm"),
    ("snow snowy schnee nieve neige snowflake snowflakes winter blizzard", "snow snow"),
    ("heart herz herzen corazon coeur love liebe amor amour", "hearts candy"),
    ("bird vogel pajaro oiseau seagull gull crow swallow", "birds sky"),
    ("fish goldfish fisch fische pez peces poisson poissons whale shark dolphin", "fish sea"),
    ("butterfly butterflies schmetterling mariposa papillon moth", "butterflies meadow"),
    ("city skyline town house houses tower castle stadt ciudad ville building", "city evening"),
    ("leaf leave blatt blatter hoja hojas feuille feuilles autumn herbst", "leaves autumn"),
    ("boat ship sail sailboat boot schiff barco bateau", "boats sea"),
    ("balloon ballon globo montgolfiere", "balloons sky"),
    ("planet saturn planeta planete mars jupiter world", "planets space"),
    ("galaxy spiral swirl nebula whirlpool vortex", "spiral space"),
    ("cat kitten katze gato gata chat", "cats candy"),
    ("mushroom pilz pilze seta hongo champignon toadstool", "mushrooms forest"),
)

_NO_SCENE = "-"
_IN = frozenset({"in", "en"})
_AND = frozenset({"and", "und", "y", "et"})
_LIGHTS = frozenset({"stars", "moon", "spiral"})
"""Things that shine: of the colours after them they take the brightest."""
_MAX_THINGS = 3
_MAX_GROUND = 6


def read_prompt(prompt: str) -> Idea:
    """The colours and things that a prompt names, in its order; nothing where it names none that are known.

    Colours right before a thing are its own ("a red moon"). Of those right after it ("a moon in red and gold")
    the first is the thing's and the others make the ground, as do all other colours, and the scenes.
    """
    reader = _Reader()
    for word in _words(prompt):
        reader.take(word)
    return reader.idea()


class _Reader:
    """What has been read of a prompt so far."""

    def __init__(self) -> None:
        self._ground: list[Colour] = []
        self._scenes: list[str] = []
        self._suggested: list[str] = []
        self._things: list[Thing] = []
        self._before: list[Colour] = []
        """Colours that the next word may turn out to belong to."""
        self._after: list[Colour] = []
        self._follows_thing = False
        self._last_was_colour = False

    def take(self, word: str) -> None:
        """The next word."""
        colour, noun, scene = (_look_up(known, word) for known in (_COLOUR_WORDS, _NOUNS, _SCENES))
        if scene is not None:
            self._scenes.append(scene)
        if noun is not None:
            self._take_noun(noun)
        elif colour is not None:
            self._take_colour(*_colours(colour))
        elif word not in _AND:
            self._ground += self._before
            self._before = []
            self._follows_thing = word in _IN and bool(self._things)
        self._last_was_colour = noun is None and colour is not None

    def _take_noun(self, noun: str) -> None:
        motif, suits = noun.split()
        if motif not in {thing.motif for thing in self._things}:
            self._things.append(Thing(motif=motif, colours=tuple(self._before)))
        self._before = []
        self._follows_thing = False
        if suits != _NO_SCENE:
            self._suggested.append(_SCENES[suits])

    def _take_colour(self, colour: Colour) -> None:
        colours = self._after if self._follows_thing else self._before
        if self._last_was_colour and colours:  # "midnight blue" is one colour
            colour = mixed(colours.pop(), colour, 0.5)
        colours.append(colour)

    def idea(self) -> Idea:
        """All that was read. A ground of one or two colours runs over into that of the scene."""
        after = self._after
        if any(thing.motif in _LIGHTS for thing in self._things):
            after = sorted(after, key=sum, reverse=True)
        for_things, for_ground = tuple(after[:1]), after[1:]
        things = (
            thing if thing.colours else Thing(motif=thing.motif, colours=for_things)
            for thing in self._things[:_MAX_THINGS]
        )
        ground = [*self._ground, *self._before, *for_ground]
        scenes = self._scenes or ([] if ground else self._suggested)
        if scenes:
            ground += _colours(*scenes[0].split())
        return Idea(ground=tuple(ground[:_MAX_GROUND]), things=tuple(things))


def _words(prompt: str) -> list[str]:
    """The prompt's words in lower case and without accents: at most the first hundred."""
    plain = unicodedata.normalize("NFKD", prompt[:2000].casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W\d_]+", letters)[:100]


def _look_up(vocabulary: dict[str, str], word: str) -> str | None:
    """What a word stands for, also in an English plural."""
    candidates = (word, word.removesuffix("s"), word.removesuffix("es"))
    return next((vocabulary[candidate] for candidate in candidates if candidate in vocabulary), None)
