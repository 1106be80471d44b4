"""`python -P -m roadcrew_server.stores.look`: what kind of Redis or Valkey the settings name, as one line of JSON.

For `roadcrew doctor`. It changes nothing there. What it is not for: an embedded store; that belongs to its server.
"""

import asyncio
import json
import sys

from pydantic import ValidationError

from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError, StoreFacts
from roadcrew_server.stores.opening import check_url, is_redis, link_for, shown


async def _facts(settings: Settings) -> StoreFacts:
    from roadcrew_server.stores._redis_facts import facts_of  # noqa: PLC0415 - only where there is one

    link = link_for(settings)
    try:
        return await facts_of(link)
    finally:
        await link.close()


def look() -> dict[str, object]:
    """`store`, `name`, `version`, `durable`, `warnings`; or `error`, a sentence without secrets; or nothing."""
    try:
        settings = Settings()
        check_url(settings.store)
    except ValidationError as error:
        return {"error": f"Settings are wrong: {', '.join(str(e['loc'][0]) for e in error.errors() if e['loc'])}."}
    except ValueError as error:
        return {"error": str(error)}
    if not is_redis(settings.store):
        return {}
    place = shown(settings.store)
    try:
        facts = asyncio.run(_facts(settings))
    except StoreError as error:
        return {"store": place, "error": str(error)}
    return {
        "store": place,
        "name": facts.name,
        "version": facts.version,
        "durable": facts.durable,
        "warnings": facts.warnings,
    }


if __name__ == "__main__":
    print(json.dumps(look()))
    sys.exit(0)
