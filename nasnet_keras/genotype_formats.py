"""Genotypes as other programs write them: `read_genotype`, `write_genotype`.

    darts        Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=...)
    nni          {"normal/op_2_0": "sep_conv_3x3", "normal/input_2_0": [0], ...}
    nasbench201  |nor_conv_3x3~0|+|skip_connect~0|none~1|+|...~0|...~1|...~2|

DARTS, its successors such as PC-DARTS, and NNI number the inputs of a cell the
other way round: 0 is the older input. The names of operations differ too. A
genotype that a form cannot express is refused. No form says how cells are
stacked; `build_network(frame="darts")` stacks them as DARTS does.

Reference:
    quark0/darts, `cnn/genotypes.py`; microsoft/nni,
    `nni/nas/hub/pytorch/nasnet.py`; [NAS-Bench-201](
    https://arxiv.org/abs/2001.00326).
"""

import abc
import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nasnet_keras.genotype import MAX_BLOCKS, Block, CellSpec, Genotype
from nasnet_keras.quotation import quoted
from nasnet_keras.strict_json import parse_json

MAX_LENGTH = 10_000  # of a text: ten blocks a cell take a third of it

# Their names of operations -> ours, where they differ or all are listed.
_NAS_OPERATIONS = {
    **{
        name: name
        for name in (
            *("none", "avg_pool_3x3", "max_pool_2x2", "max_pool_3x3"),
            *("max_pool_5x5", "max_pool_7x7", "conv_1x1", "conv_3x3"),
            *("sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7"),
        )
    },
    "skip_connect": "identity",
    "conv_3x1_1x3": "conv_1x3_3x1",
    "conv_7x1_1x7": "conv_1x7_7x1",
    "dil_conv_3x3": "dil_sep_conv_3x3",
    "dil_conv_5x5": "dil_sep_conv_5x5",
}
_NASBENCH201_OPERATIONS = {
    "none": "none",
    "skip_connect": "identity",
    "nor_conv_1x1": "conv_1x1",
    "nor_conv_3x3": "conv_3x3",
    "avg_pool_3x3": "avg_pool_3x3",
}

# Their names of the cells, by ours.
_CELLS = {"normal": "normal", "reduction": "reduce"}

# NAS-Bench-201 reduces by a residual block, which its text does not name. Ours
# is without the average pool before the 1x1 convolution.
_RESIDUAL = CellSpec(
    (
        Block((0, 0), ("conv_3x3", "none")),
        Block((2, 0), ("conv_3x3", "conv_1x1")),
    ),
    concat=(3,),
)


class GenotypeFormat(abc.ABC):
    """A form of text that holds a genotype.

    Attributes:
        operations: Its names of operations, each with ours.
        mark: What a text of this form has, as a pattern.
        example: How a text of this form begins.
    """

    operations: ClassVar[Mapping[str, str]]
    mark: ClassVar[str]
    example: ClassVar[str]

    @abc.abstractmethod
    def read(self, text: str) -> Genotype:
        """Raises:
        ValueError: It is of another form.
        """

    @property
    def other(self) -> ValueError:
        """The exception to raise where a text is of another form."""
        return ValueError(f"Expected a whole text such as {self.example}")

    @abc.abstractmethod
    def write(self, genotype: Genotype) -> str:
        """Raises:
        ValueError: The form cannot say it.
        """

    def ours(self, operation: Any) -> str:
        if not isinstance(operation, str) or operation not in self.operations:
            raise ValueError(
                f"Expected operations among {', '.join(self.operations)}. "
                f"Received: {quoted(operation)}"
            )
        return self.operations[operation]

    def theirs(self, operation: str) -> str:
        for name, ours in self.operations.items():
            if ours == operation:
                return name
        raise ValueError(
            f"Expected operations among {', '.join(self.operations.values())}. "
            f"Received: {operation}"
        )

    def edges(self, cell: CellSpec) -> list[list[tuple[str, int]]]:
        """The operations of each block and the states that they read, both
        in their terms."""
        if cell.inputs != 2 or cell.separate:
            raise ValueError(
                "Expected cells of 2 inputs that concatenate their output. "
                f"Received: {cell.inputs} inputs, separate={cell.separate}"
            )
        for block in cell.blocks:
            if block.combiner != "add":
                raise ValueError(
                    "Expected blocks that add. Received: the combiner "
                    f"{block.combiner}"
                )
        return [
            [
                (self.theirs(operation), _swapped(state))
                for operation, state in zip(
                    block.operations, block.inputs, strict=True
                )
            ]
            for block in cell.blocks
        ]

    def block(self, edges: Sequence[tuple[Any, Any]]) -> Block:
        """The inverse of `edges`, of a block."""
        if len(edges) != 2 or not all(
            isinstance(edge, tuple | list) and len(edge) == 2 for edge in edges
        ):
            raise ValueError(
                "Expected of each block two pairs of an operation and a state. "
                f"Received: {quoted(edges)}"
            )
        (left, first), (right, second) = edges
        return Block(
            (_swapped(first), _swapped(second)),
            (self.ours(left), self.ours(right)),
        )


class DartsFormat(GenotypeFormat):
    operations = _NAS_OPERATIONS
    mark = r"\bGenotype\("
    example = "Genotype(normal=[('sep_conv_3x3', 0), ...], ...)"
    parts = ("normal", "normal_concat", "reduce", "reduce_concat")

    def read(self, text: str) -> Genotype:
        (call,) = self._calls(text)
        given = [
            *zip(self.parts, call.args, strict=False),
            *((keyword.arg, keyword.value) for keyword in call.keywords),
        ]
        arguments = {name: _literal(value) for name, value in given}
        if len(given) != len(self.parts) or {*arguments} != {*self.parts}:
            names = ", ".join(str(name) for name, _ in given) or "none"
            raise ValueError(
                f"Expected the parts {', '.join(self.parts)}, each once. "
                f"Received: {names}"
            )
        for name, value in arguments.items():
            if not isinstance(value, list | tuple):
                raise ValueError(
                    f"Expected a list of `{name}`. Received: {quoted(value)}"
                )
        return Genotype(
            **{
                ours: CellSpec(
                    tuple(
                        self.block(arguments[theirs][start : start + 2])
                        for start in range(0, len(arguments[theirs]), 2)
                    ),
                    concat=tuple(map(_swapped, arguments[f"{theirs}_concat"])),
                )
                for ours, theirs in _CELLS.items()
            }
        )

    def _calls(self, text: str) -> list[ast.Call]:
        """The only genotype of a text, which may stand between other lines, as
        in a file of DARTS' or in a log."""
        found: dict[str, ast.Call] = {}
        names = []
        for start in re.finditer(rf"(?:(\w+)\s*=\s*)?{self.mark}", text):
            names.append(start[1] or "a genotype without a name")
            call = text[start.end() - len("Genotype(") :]
            try:
                tree: Any = ast.parse(call[: _end(call)], mode="eval").body
            except (SyntaxError, RecursionError, MemoryError, ValueError):
                raise self.other from None
            found.setdefault(ast.dump(tree), tree)
        if len(found) > 1:
            raise ValueError(
                "Expected one genotype in a text. Received: "
                f"{', '.join(names)}; keep one of them"
            )
        return [*found.values()]

    def write(self, genotype: Genotype) -> str:
        parts = []
        for ours, theirs in _CELLS.items():
            cell = getattr(genotype, ours)
            edges = [edge for pair in self.edges(cell) for edge in pair]
            concat = [_swapped(state) for state in cell.output_states]
            parts += [f"{theirs}={edges}", f"{theirs}_concat={concat}"]
        return f"Genotype({', '.join(parts)})"


class NniFormat(GenotypeFormat):
    """A dict of choices. It does not say which states are concatenated.

    With 4 blocks all are concatenated, as in NNI's space DARTS. With other
    numbers of blocks, only the states that no block reads are concatenated, as
    in the other spaces of NNI except PNAS.
    """

    operations = _NAS_OPERATIONS
    mark = r'"(normal|reduce)/op_2_0"'
    example = '{"normal/op_2_0": "sep_conv_3x3", "normal/input_2_0": [0], ...}'
    everything = 4  # blocks

    def read(self, text: str) -> Genotype:
        try:
            choices = parse_json(text)
        except ValueError:
            raise self.other from None
        if not isinstance(choices, dict):
            raise self.other
        cells = {}
        for ours, theirs in _CELLS.items():
            blocks: list[Block] = []
            while f"{theirs}/op_{len(blocks) + 2}_0" in choices:
                node = len(blocks) + 2
                edges = []
                for side in range(2):
                    operation, state = (
                        self._choice(choices, f"{theirs}/{what}_{node}_{side}")
                        for what in ("op", "input")
                    )
                    edges.append((operation, state))
                blocks.append(self.block(edges))
            cells[ours] = CellSpec(tuple(blocks), self.concat(len(blocks)))
        return Genotype(**cells)

    def write(self, genotype: Genotype) -> str:
        choices: dict[str, Any] = {}
        for ours, theirs in _CELLS.items():
            cell = getattr(genotype, ours)
            edges = self.edges(cell)
            implied = CellSpec(cell.blocks, self.concat(len(edges)))
            if implied.output_states != tuple(sorted(cell.output_states)):
                raise ValueError(
                    "Expected the states to concatenate that NNI implies, "
                    f"{implied.output_states}. Received: {cell.output_states}"
                )
            for node, pair in enumerate(edges, start=2):
                for side, (operation, state) in enumerate(pair):
                    choices[f"{theirs}/op_{node}_{side}"] = operation
                    choices[f"{theirs}/input_{node}_{side}"] = [state]
        return json.dumps(choices, indent=1)

    def _choice(self, choices: Mapping[str, Any], name: str) -> Any:
        """What was chosen, which may be the only one of a list."""
        choice = choices.get(name)
        if isinstance(choice, list) and len(choice) == 1:
            (choice,) = choice
        if not isinstance(choice, str | int):
            raise ValueError(
                f"Expected one choice of {name!r}. Received: {quoted(choice)}"
            )
        return choice

    def concat(self, blocks: int) -> Any:
        if blocks != self.everything:
            return "unused"
        return tuple(range(2, 2 + blocks))


class NasBench201Format(GenotypeFormat):
    """A normal cell of four nodes that add, which reads its current input
    alone; the reduction cell is the residual block, as near as one can be."""

    operations = _NASBENCH201_OPERATIONS
    mark = r"^\s*\|"
    example = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
    nodes = 3  # beside the input

    def read(self, text: str) -> Genotype:
        nodes = [
            re.findall(r"([^|~]+)~([0-9])", part)
            for part in text.strip().split("+")
        ]
        edges = [
            [self.ours(operation) for operation, _ in node] for node in nodes
        ]
        if self._text(edges) != text.strip() or len(edges) != self.nodes:
            raise self.other
        return Genotype(self._cell(edges), _RESIDUAL)

    def write(self, genotype: Genotype) -> str:
        blocks = genotype.normal.blocks
        if genotype.reduction == _RESIDUAL and len(blocks) == 4:
            first, second, begun, last = blocks
            edges = [
                [first.operations[0]],
                list(second.operations),
                [*begun.operations, last.operations[1]],
            ]
            if self._cell(edges) == genotype.normal:
                return self._text(edges)
        raise ValueError(
            "Expected a normal cell as `read_genotype` makes it of such a "
            "text, and its reduction cell. Received: other cells"
        )

    def _cell(self, edges: Sequence[Sequence[str]]) -> CellSpec:
        """The cell of the operations of each node: a sum of three is one of
        two, and one of that and the third."""
        (one,), (first, second), (left, right, third) = edges
        return CellSpec(
            (
                Block((0, 0), (one, "none")),
                Block((0, 2), (first, second)),
                Block((0, 2), (left, right)),
                Block((4, 3), ("identity", third)),
            ),
            concat=(5,),
        )

    def _text(self, edges: Sequence[Sequence[str]]) -> str:
        nodes = [
            [f"{self.theirs(op)}~{state}" for state, op in enumerate(node)]
            for node in edges
        ]
        return "+".join(f"|{'|'.join(node)}|" for node in nodes)


FORMATS: dict[str, GenotypeFormat] = {
    "darts": DartsFormat(),
    "nni": NniFormat(),
    "nasbench201": NasBench201Format(),
}


def find_form(form: Any) -> GenotypeFormat:
    """The form of that name.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(form, str) or form not in FORMATS:
        raise ValueError(
            "Invalid form of a genotype. Expected one of "
            f"{', '.join(FORMATS)}. Received: {quoted(form)}."
        )
    return FORMATS[form]


def is_known(text: str) -> bool:
    """Whether the text seems to be of one of `FORMATS`."""
    return any(re.search(form.mark, text) for form in FORMATS.values())


def read_genotype(text: str) -> Genotype:
    """Reads a genotype in the form of another program.

    Args:
        text: The text, in one of the forms of `FORMATS`, which is recognised
            by its content. No code in the text is run.

    Raises:
        ValueError: The text has none of the forms, or has operations or a
            wiring that are not known here.

    Example:

    >>> cell = "[('sep_conv_3x3', 0), ('skip_connect', 1)]"
    >>> genotype = read_genotype(
    ...     f"Genotype(normal={cell}, normal_concat=[2], "
    ...     f"reduce={cell}, reduce_concat=range(2, 3))"
    ... )
    >>> genotype.normal.blocks[0].inputs  # 0 is the older input there
    (1, 0)
    """
    for name, form in FORMATS.items():
        if not re.search(form.mark, text):
            continue
        if len(text) > MAX_LENGTH:
            raise ValueError(
                f"Invalid genotype. Expected a text of at most {MAX_LENGTH:,} "
                f"characters in the form {name}. Received: {len(text):,}."
            )
        try:
            return form.read(text)
        except ValueError as error:
            reason = str(error).rstrip(".")
        if "Received: " not in reason:
            reason += f". Received: {quoted(text.strip())}"
        raise ValueError(
            f"Invalid genotype in the form {name}. {reason}."
        ) from None
    raise ValueError(
        "Invalid value for argument `text`. Expected a genotype in one of the "
        f"forms {', '.join(FORMATS)}. Received: {quoted(text)}."
    )


def write_genotype(genotype: Genotype, form: str) -> str:
    """Writes a genotype in the form of another program.

    Args:
        genotype: The genotype.
        form: One of `FORMATS`.

    Raises:
        ValueError: The form is unknown or cannot express the genotype, or
            `genotype` is no genotype.

    Example:

    >>> from nasnet_keras import DARTS_V2
    >>> read_genotype(write_genotype(DARTS_V2, "darts")) == DARTS_V2
    True
    """
    found = find_form(form)
    if not isinstance(genotype, Genotype):
        raise ValueError(
            "Invalid value for argument `genotype`. Expected a `Genotype`, as "
            f"the spaces of cells have. Received: {quoted(genotype)}."
        )
    try:
        return found.write(genotype)
    except ValueError as error:
        raise ValueError(
            f"The genotype cannot be written in the form {form}. {error}."
        ) from None


def _swapped(state: Any) -> Any:
    """A state's number there and here: 0 and 1 change places."""
    return {0: 1, 1: 0}.get(state, state) if type(state) is int else state


def _end(call: str) -> int:
    """Where a call ends, whose texts have no parentheses."""
    depth = 0
    for place, letter in enumerate(call):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            return place + 1
    return len(call)


def _literal(node: Any) -> Any:
    """A literal, or the `range` by which DARTS writes states.

    Raises:
        ValueError: It is something else.
    """
    try:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
            numbers = range(*map(ast.literal_eval, node.args))
            return tuple(numbers[: 2 * MAX_BLOCKS])
        return ast.literal_eval(node)
    except (TypeError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            "Expected lists, texts, whole numbers and `range`. Received: "
            f"{quoted(ast.unparse(node))}"
        ) from None
