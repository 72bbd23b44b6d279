"""What the wire itself refuses: no key, no route, wrong verb, too many calls; and the page of an unexpected fault."""

from msgspec import json

from crosswalk.sandbox.call import TEXT_TYPE, Answer

HTML_TYPE = "text/html; charset=utf-8"

UNAUTHORIZED = Answer(401, json.encode({"Message": "Authorization has been denied for this request."}))
"""No key, a wrong key, an unknown path without a key, a user without API access: all the same (S12, S25, S28)."""

ERROR_PAGE = (
    b"<!DOCTYPE html>\r\n<html>\r\n<head><title>Runtime Error</title></head>\r\n<body>\r\n"
    b"<h1>Server Error in '/' Application.</h1>\r\n<h2><i>Runtime Error</i></h2>\r\n"
    b"<p><b>Description:</b> An application error occurred on the server.</p>\r\n</body>\r\n</html>\r\n"
)
"""What a fault of the server looks like: a page in the manner of ASP.NET's (S8 recorded one of v2.1)."""


def deny_path(uri: str) -> Answer:
    """Answer a path that no route matches, as ASP.NET Web API words it."""
    return Answer(404, json.encode({"Message": f"No HTTP resource was found that matches the request URI '{uri}'."}))


def deny_verb(verb: str, allowed: tuple[str, ...]) -> Answer:
    """Answer a known path with a verb that it does not have."""
    body = json.encode({"Message": f"The requested resource does not support http method '{verb}'."})
    return Answer(405, body, headers=(("Allow", ", ".join(allowed)),))


def deny_collection(name: str) -> Answer:
    """Answer a collection that the plan closes (S3)."""
    return Answer(403, f"API User does not have access to {name}.".encode(), TEXT_TYPE)


def deny_size(most: int) -> Answer:
    """Answer a body beyond what IIS lets through. The wording is ours; none is recorded."""
    return Answer(413, json.encode({"Message": f"The request body is larger than {most} bytes."}))


def deny_coding(coding: str) -> Answer:
    """Answer a body that is not what its `Content-Encoding` says. The wording is ours; none is recorded."""
    return Answer(400, json.encode({"Message": f"The request body is not valid {coding}."}))


def deny_record() -> Answer:
    """Answer a POST beyond the plan's number of records (S1)."""
    return Answer(402, b"Record limit reached.", TEXT_TYPE)


def deny_burst(retry_after: int | None) -> Answer:
    """Answer too many calls a second. The body is ours; none is recorded."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return Answer(429, b"API rate limit exceeded.", TEXT_TYPE, headers)


def deny_day(per_day: int) -> Answer:
    """Answer a spent day: no `Retry-After` (S2). The body is ours; none is recorded."""
    return Answer(429, f"API daily limit of {per_day} calls exceeded.".encode(), TEXT_TYPE)
