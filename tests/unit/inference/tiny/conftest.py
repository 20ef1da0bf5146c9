"""The tests of the small model's world need skia, and skia needs the system's GL libraries to load."""

try:
    import skia  # noqa: F401
except ImportError as error:
    print(f"Leaving out the tests of the small model's world: {error}. Debian: apt-get install libgl1 libegl1")
    collect_ignore_glob = ["test_*.py"]
