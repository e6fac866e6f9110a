"""A workflow of steps that do nothing; in a file of its own, as Temporal's sandbox asks."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def say(text: str) -> str:
    return text


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, steps: int, text: str) -> str:
        for _ in range(steps):
            text = await workflow.execute_activity(
                say, text, start_to_close_timeout=timedelta(seconds=60))
        return text
