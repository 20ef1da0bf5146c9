"""The model that ships: a small joint audio-video diffusion model, and the recipe that makes it.

Read in this order: ``world`` draws captioned films, ``sound`` plays what they show, ``captions`` says it in two
languages, ``recipe`` trains on them, ``evaluation`` measures what came of it. Serving the model needs none of these:
its weights load with the stock ``LTX2Pipeline``.
"""
