"""Numbers about a graph of operations that tell what it may be worth.

Spaces make their `features` of them. Neither Keras nor TensorFlow is imported
here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from nasnet_keras.graph_nodes import on_paths

# An edge: the node that it leads to, and the node that it comes from.
Edge = tuple[int, int]


def is_convolution(operation: str) -> bool:
    """By its name, such as `sep_conv_3x3` or `nor_conv_1x1`."""
    return "conv" in operation


def edge_features(
    operations: Mapping[Edge, str], names: Sequence[str]
) -> list[float]:
    """Of a cell with operations on its edges, as in NAS-Bench-201.

    Only live edges count: those on a path from the first node to the last
    that no `none` blocks. What the others hold changes nothing.

    Args:
        operations: The operation on every edge.
        names: The operations that there are, `none` included.

    Returns:
        How many live edges have each operation; how many there are; the paths;
        the most edges on a path; of each operation and of all convolutions
        the most on a path; of the convolutions the fewest on a path, and how
        many there are, how many read the input and how many make the output.
    """
    last = max(node for node, _ in operations)
    open_edges = [
        (source, node)
        for node, source in sorted(operations)
        if operations[node, source] != "none"
    ]
    live = [(node, source) for source, node in on_paths(open_edges, 0, last)]
    chosen = [operations[edge] for edge in live]
    convolutions = [int(is_convolution(name)) for name in chosen]
    of_each = [[int(each == name) for each in chosen] for name in names]
    ones = [1] * len(live)
    pairs = list(zip(live, convolutions, strict=True))
    return [
        *map(float, map(sum, of_each)),
        float(len(live)),
        float(_paths(live, last)),
        float(_along_paths(live, ones, last, max)),
        *(float(_along_paths(live, row, last, max)) for row in of_each),
        float(_along_paths(live, convolutions, last, max)),
        float(_along_paths(live, convolutions, last, min)),
        float(sum(convolutions)),
        float(sum(count for (_, source), count in pairs if source == 0)),
        float(sum(count for (node, _), count in pairs if node == last)),
    ]


def _paths(live: Iterable[Edge], last: int) -> int:
    counts = {0: 1}
    for node, source in live:
        counts[node] = counts.get(node, 0) + counts[source]
    return counts.get(last, 0)


def _along_paths(
    live: Iterable[Edge],
    weights: Iterable[int],
    last: int,
    choose: Callable[[int, int], int],
) -> int:
    """The largest or smallest sum of weights on a path; 0 without paths."""
    sums = {0: 0}
    for (node, source), weight in zip(live, weights, strict=True):
        total = sums[source] + weight
        sums[node] = choose(sums.get(node, total), total)
    return sums.get(last, 0)


def block_features(
    blocks: Sequence[Sequence[int]],
    names: Sequence[str],
) -> list[float]:
    """Of a NASNet cell, whose blocks apply an operation to each of two states.

    Args:
        blocks: Of each block the two states that it reads, of which 0 and 1
            are the cell's inputs and 2 the first block, and the numbers of
            the operations on them.
        names: The operations by number.

    Returns:
        How many there are of each operation; how many blocks no other reads,
        which the cell concatenates; over all blocks the largest and the mean
        number of convolutions, and of blocks, on the path that has most; how
        many operations, and how many convolutions, read each input.
    """
    heavy = [int(is_convolution(name)) for name in names]
    counts = [0] * len(names)
    convolutions, depths = [0, 0], [0, 0]
    reading = [[0, 0], [0, 0]]
    for first, second, op_1, op_2 in blocks:
        most, deepest = 0, 0
        for state, operation in ((first, op_1), (second, op_2)):
            counts[operation] += 1
            if names[operation] == "none":
                continue
            if state < 2:
                reading[state][0] += 1
                reading[state][1] += heavy[operation]
            most = max(most, convolutions[state] + heavy[operation])
            deepest = max(deepest, depths[state])
        convolutions.append(most)
        depths.append(1 + deepest)
    read = {state for block in blocks for state in block[:2] if state > 1}
    return [
        *map(float, counts),
        float(len(blocks) - len(read)),
        float(max(convolutions)),
        sum(convolutions) / len(blocks),
        float(max(depths)),
        sum(depths) / len(blocks),
        *map(float, reading[0] + reading[1]),
    ]
