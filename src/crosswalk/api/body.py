"""Request bodies: what cannot be read as JSON is the caller's fault, however it fails."""

from typing import Any

from litestar import Request
from litestar.exceptions import ClientException

from crosswalk.accounts.tokens import Caller


class ApiRequest(Request[Caller, Any, Any]):
    """A request whose body may be nested too deeply."""

    async def json(self) -> Any:
        """Read the body. Raises a 400 where the decoder runs out of stack, which it tells like a fault of our own."""
        try:
            return await super().json()
        except RecursionError as exc:
            raise ClientException("The body is nested too deeply") from exc
