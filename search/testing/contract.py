"""What a check of a contract comes to: `ContractError`."""


class ContractError(AssertionError):
    """A class does not keep its contract; the text says where."""


def expect(holds: object, sentence: str) -> None:
    """Raises:
    ContractError: It does not hold.
    """
    if not holds:
        raise ContractError(sentence)
