"""A router that has one parent, so that starting does not copy every route of it."""

from typing import Any, Self

from litestar import Router


class Once(Router):
    """Registered where it stands: the framework copies other routers deeply, once for each router above them.

    For routers made anew for each application. One that a module keeps must stay a `Router`, whose copies have owners
    of their own.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Give itself: whoever registers it is its only owner. Raises `RuntimeError` where it has one already."""
        if self.owner is not None:
            raise RuntimeError(f"The router of {self.path} is registered already; make another")
        return self
