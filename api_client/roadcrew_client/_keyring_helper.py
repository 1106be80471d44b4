"""The system's keyring, used in a process of its own so that it can be killed: `get`, `set` or `delete`.

A keyring that waits for a D-Bus answer, or for somebody to unlock it, blocks a thread and the program's end for
minutes. What is asked stands on stdin as JSON `{"service", "name", "secret"}`, the answer goes to stdout: secrets are
never in the arguments, which every user of the machine can see.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    """0: done; 3: no keyring to use here; 4: it has nothing under that name, or did not keep what it was given."""
    import keyring  # noqa: PLC0415 — what takes long here is killed with us
    from keyring.backends import fail, null  # noqa: PLC0415
    from keyring.errors import KeyringError, PasswordDeleteError  # noqa: PLC0415

    asked = json.load(sys.stdin)
    service, name = asked["service"], asked["name"]
    try:
        backend = keyring.get_keyring()
        if isinstance(backend, fail.Keyring | null.Keyring):
            return 3
        match sys.argv[1:]:
            case ["get"]:
                secret = keyring.get_password(service, name)
                if secret is None:
                    return 4
                json.dump({"secret": secret, "backend": type(backend).__module__}, sys.stdout)
            case ["set"]:
                keyring.set_password(service, name, asked["secret"])
                if keyring.get_password(service, name) != asked["secret"]:
                    return 4
                json.dump({"backend": type(backend).__module__}, sys.stdout)
            case ["delete"]:
                keyring.delete_password(service, name)
            case _:
                return 2
    except PasswordDeleteError:
        return 4
    except KeyringError:
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
