"""What is said between the client and the agent, and the agent."""

from dataclasses import dataclass

from autogen_core import MessageContext, RoutedAgent, message_handler


@dataclass
class Say:
    text: str


class Echo(RoutedAgent):
    """Answers what it is asked."""

    @message_handler
    async def say(self, message: Say, ctx: MessageContext) -> Say:
        return message
