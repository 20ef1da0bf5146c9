"""French: the colour follows its noun and takes its gender."""

from inference.tiny.captions.lexicon import Lexicon, Noun


def _nouns(*texts: str) -> tuple[Noun, ...]:
    """Nouns written with their article: "une balle"."""
    split = [text.split(" ", 1) for text in texts]
    return tuple(Noun(noun, article, "f" if article == "une" else "m") for article, noun in split)


def _forms(masculine: str, feminine: str = "") -> dict[str, str]:
    return {"m": masculine, "f": feminine or masculine}


FRENCH = Lexicon(
    nouns={
        "ball": _nouns("une balle", "un ballon"), "car": _nouns("une voiture", "une auto"),
        "train": _nouns("un train"), "boat": _nouns("un bateau", "un voilier"), "plane": _nouns("un avion"),
        "bird": _nouns("un oiseau"), "cat": _nouns("un chat", "un chaton"),
        "person": _nouns("une personne", "un promeneur", "un passant"), "house": _nouns("une maison"),
        "tree": _nouns("un arbre"), "bell": _nouns("une cloche"), "hammer": _nouns("un marteau"),
        "door": _nouns("une porte"), "clock": _nouns("une horloge", "une pendule"),
        "lighthouse": _nouns("un phare"), "sun": _nouns("un soleil"), "moon": _nouns("une lune"),
        "fireworks": _nouns("un feu d'artifice"),
    },
    colours={
        "red": _forms("rouge"), "orange": _forms("orange"), "yellow": _forms("jaune"),
        "green": _forms("vert", "verte"), "blue": _forms("bleu", "bleue"), "purple": _forms("violet", "violette"),
        "pink": _forms("rose"), "white": _forms("blanc", "blanche"),
    },
    colour_first=False,
    verbs={
        "bounce": ("rebondit", "qui rebondit", "bondit"), "roll": ("roule au sol", "qui roule au sol"),
        "throw": ("est lancé", "est jeté en l'air"), "drive": ("roule", "qui roule", "circule"),
        "ride": ("passe", "avance sur les rails"), "float": ("flotte", "qui flotte", "se balance sur l'eau"),
        "sail": ("navigue", "qui navigue", "vogue"), "fly": ("vole", "qui vole"),
        "walk": ("marche", "qui marche", "se promène"), "stand": ("se dresse", "se tient là"),
        "sway": ("oscille", "se balance au vent"), "ring": ("sonne", "qui sonne", "tinte"),
        "strike": ("frappe", "qui frappe", "tape sur une enclume"), "open": ("s'ouvre", "qui s'ouvre"),
        "close": ("se ferme", "qui se ferme", "claque"), "tick": ("fait tic-tac", "qui fait tic-tac"),
        "flash": ("clignote", "balaie de son faisceau"), "rise": ("se lève", "qui se lève", "monte"),
        "sink": ("se couche", "qui se couche", "descend"), "burst": ("éclate", "qui éclate", "explose"),
    },
    sides={"left": ("vers la gauche", "à gauche"), "right": ("vers la droite", "à droite")},
    paces={
        "slow": ("lentement", "doucement"), "normal": ("", "régulièrement"),
        "fast": ("vite", "rapidement", "à toute allure"),
    },
    relations=("devant", "à côté d'", "près d'"),
    styles={
        "day": ("de jour", "en plein jour", "par une journée ensoleillée", ""),
        "night": ("la nuit", "sous les étoiles"),
        "sunset": ("au coucher du soleil", "dans la lueur du soir"),
        "neon": ("en style néon", "dans une ville de néon"),
        "snow": ("dans un paysage enneigé", "en hiver"), "pencil": ("au crayon", "en dessin au crayon"),
        "paper": ("en papier découpé", "en découpage de papier"), "pixel": ("en pixel art", "en style pixel"),
    },
    weathers={
        "clear": ("", "par temps clair"), "rain": ("sous la pluie", "pendant qu'il pleut"),
        "snowfall": ("sous la neige", "pendant qu'il neige"), "wind": ("dans le vent", "par grand vent"),
        "storm": ("sous l'orage", "dans la tempête"),
    },
    cameras={
        "still": ("", "caméra fixe"), "pan_left": ("la caméra va à gauche", "panoramique à gauche"),
        "pan_right": ("la caméra va à droite", "panoramique à droite"),
        "zoom_in": ("zoom avant", "la caméra s'approche"),
        "zoom_out": ("zoom arrière", "la caméra s'éloigne"), "follow": ("la caméra suit", "travelling"),
    },
    lights={
        "plain": ("",), "left": ("éclairé de la gauche", "lumière de la gauche"),
        "backlit": ("à contre-jour", "en contre-jour"), "dim": ("dans la pénombre", "faible lumière"),
    },
    sounds={
        "natural": ("", "avec son bruit"), "silent": ("sans son", "muet"),
        "calm": ("musique calme", "avec une musique calme"),
        "tense": ("musique tendue", "avec une musique tendue"),
        "cheerful": ("musique joyeuse", "avec une musique gaie"),
        "piano": ("musique de piano", "avec un piano"), "drums": ("batterie", "avec une batterie"),
    },
    openers=("", "", "", "un film avec", "on voit"),
    controls={
        "style": {"day": "Jour", "night": "Nuit", "sunset": "Coucher du soleil", "neon": "Néon", "snow": "Neige",
                  "pencil": "Crayon", "paper": "Papier découpé", "pixel": "Pixel art"},
        "light": {"left": "De la gauche", "backlit": "Contre-jour", "dim": "Pénombre"},
        "pace": {"slow": "Lent", "normal": "Régulier", "fast": "Rapide"},
    },
)  # fmt: skip
