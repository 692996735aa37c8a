"""The person of an e-mail address: the first account, until an operator confirms another."""

import asyncio

from crewgate.domain.people import EmailOwner
from crewgate.usecases.installations import owner_of
from tests.databases import both
from tests.usecases.world import World

LEAD = "Lead@Example.com"


async def seen(world: World, account: str, address: str = LEAD) -> EmailOwner:
    return await owner_of(address, account, uow=world.uow)


async def test_an_address_stands_for_the_first_account(world: World) -> None:
    assert await seen(world, "U1") == EmailOwner(LEAD, "U1")
    assert await seen(world, "U1") == EmailOwner(LEAD, "U1")
    assert await seen(world, "U2", "other@example.com") == EmailOwner("other@example.com", "U2")


async def test_an_address_that_moves_makes_nobody_a_reviewer(world: World) -> None:
    await seen(world, "U1")
    for account in ("U2", "U2", "U3"):
        assert await seen(world, account) == EmailOwner(LEAD, "U1", moved_to=account)
    assert (await seen(world, "U3", LEAD.lower())).user == "U1"
    assert await seen(world, "U1") == EmailOwner(LEAD, "U1")


async def test_a_move_that_an_operator_confirmed_counts(world: World) -> None:
    await seen(world, "U1")
    await seen(world, "U2")
    async with world.uow.begin() as tx:
        await tx.save_email_owner(EmailOwner(LEAD, "U2"))

    assert await seen(world, "U2") == EmailOwner(LEAD, "U2")
    assert (await seen(world, "U1")).user == "U2"


@both
async def test_several_processes_agree_on_the_first_account(world: World) -> None:
    owners = await asyncio.gather(*(seen(world, f"U{number}") for number in range(8)))
    assert len({owner.user for owner in owners}) == 1
