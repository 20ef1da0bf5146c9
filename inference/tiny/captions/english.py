"""English."""

from inference.tiny.captions.lexicon import Lexicon, Noun


def _nouns(*texts: str) -> tuple[Noun, ...]:
    return tuple(Noun(text, "an" if text[0] in "aeiou" else "a") for text in texts)


ENGLISH = Lexicon(
    nouns={
        "ball": _nouns("ball"), "car": _nouns("car", "automobile"), "train": _nouns("train"),
        "boat": _nouns("boat", "sailboat"), "plane": _nouns("plane", "airplane", "aeroplane"),
        "bird": _nouns("bird"), "cat": _nouns("cat", "kitten"), "person": _nouns("person", "walker", "pedestrian"),
        "house": _nouns("house", "cottage"), "tree": _nouns("tree"), "bell": _nouns("bell"),
        "hammer": _nouns("hammer"), "door": _nouns("door"), "clock": _nouns("clock"),
        "lighthouse": _nouns("lighthouse"), "sun": (Noun("sun", "a"),), "moon": (Noun("moon", "a"),),
        "fireworks": (Noun("firework", "a"), Noun("fireworks", "")),
    },
    colours={name: {"m": name} for name in ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")},
    colour_first=True,
    verbs={
        "bounce": ("bounces", "bouncing", "is bouncing", "hops"), "roll": ("rolls", "rolling", "is rolling"),
        "throw": ("is thrown", "thrown", "is tossed"), "drive": ("drives", "driving", "is driving"),
        "ride": ("rides", "riding", "chugs"), "float": ("floats", "floating", "bobs"),
        "sail": ("sails", "sailing", "is sailing"), "fly": ("flies", "flying", "is flying"),
        "walk": ("walks", "walking", "strolls"), "stand": ("stands", "standing"),
        "sway": ("sways", "swaying", "is swaying"), "ring": ("rings", "ringing", "tolls"),
        "strike": ("strikes", "striking", "hits an anvil"), "open": ("opens", "opening", "is opening"),
        "close": ("closes", "closing", "slams shut"), "tick": ("ticks", "ticking"),
        "flash": ("flashes", "flashing", "sweeps its beam"), "rise": ("rises", "rising", "comes up"),
        "sink": ("sets", "setting", "goes down"), "burst": ("bursts", "bursting", "explodes"),
    },
    sides={"left": ("to the left", "leftwards"), "right": ("to the right", "rightwards")},
    paces={"slow": ("slowly", "gently"), "normal": ("", "steadily"), "fast": ("quickly", "fast", "rapidly")},
    relations=("past", "in front of", "beside", "near"),
    styles={
        "day": ("in daylight", "on a sunny day", "by day", ""), "night": ("at night", "under the stars"),
        "sunset": ("at sunset", "in the evening glow"), "neon": ("in neon style", "in a neon city"),
        "snow": ("in a snowy landscape", "in winter"), "pencil": ("as a pencil drawing", "drawn in pencil"),
        "paper": ("as a paper cut-out", "in cut paper"), "pixel": ("as pixel art", "in pixel style"),
    },
    weathers={
        "clear": ("", "in clear weather"), "rain": ("in the rain", "while it rains"),
        "snowfall": ("while snow falls", "in falling snow"), "wind": ("in the wind", "on a windy day"),
        "storm": ("in a storm", "in a thunderstorm"),
    },
    cameras={
        "still": ("", "still camera"), "pan_left": ("camera pans left", "pan to the left"),
        "pan_right": ("camera pans right", "pan to the right"), "zoom_in": ("camera zooms in", "slow zoom in"),
        "zoom_out": ("camera zooms out", "slow zoom out"), "follow": ("camera follows", "tracking shot"),
    },
    lights={
        "plain": ("",), "left": ("lit from the left", "light from the left"),
        "backlit": ("backlit", "against the light"), "dim": ("in dim light", "dimly lit"),
    },
    sounds={
        "natural": ("", "with its sound"), "silent": ("silent", "without sound"),
        "calm": ("calm music", "with calm music"), "tense": ("tense music", "with tense music"),
        "cheerful": ("cheerful music", "with happy music"), "piano": ("piano music", "with a piano"),
        "drums": ("drums", "with drums"),
    },
    openers=("", "", "", "a film of", "we see"),
    controls={
        "style": {"day": "Day", "night": "Night", "sunset": "Sunset", "neon": "Neon", "snow": "Snow",
                  "pencil": "Pencil", "paper": "Cut paper", "pixel": "Pixel art"},
        "light": {"left": "From the left", "backlit": "Backlit", "dim": "Dim"},
        "pace": {"slow": "Slow", "normal": "Steady", "fast": "Fast"},
    },
)  # fmt: skip
