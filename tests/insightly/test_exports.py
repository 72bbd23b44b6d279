"""What the package offers."""

import crosswalk.insightly as package
from crosswalk.insightly import errors


def test_all_is_sorted_and_there():
    """`__all__` names what is there, in order, once."""
    assert sorted(set(package.__all__), key=lambda name: (name != "UNSET", name)) == package.__all__
    assert all(hasattr(package, name) for name in package.__all__)


def test_every_error_is_exported():
    """Whoever uses the client can name every error that it raises."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds - {"Answered"} <= set(package.__all__)
