"""Ask the web of this container whether it is well; the exit code says it. For health checks, standard library only."""

import http.client
import os
import sys


def main() -> None:
    """End with 0 when /healthz answers 200."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or "8000"), timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        healthy = connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        healthy = False
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    main()
