from nasnet_keras.drawing.columns import columns


def test_places_side_by_side_never_overlap():
    rows = [[(0, 0), (0, 1)], [(1, state) for state in range(2, 8)]]
    widths = {place: 1.0 + place[1] / 4 for row in rows for place in row}
    joints = [((0, 0), place) for place in rows[1]]
    xs = columns(rows, widths, joints)
    for row in rows:
        ordered = sorted(row, key=lambda place: xs[place])
        for left, right in zip(ordered, ordered[1:], strict=False):
            room = (widths[left] + widths[right]) / 2
            assert xs[right] - xs[left] >= room - 1e-9


def test_lines_that_need_not_cross_do_not():
    """Each upper place is joined to one lower place, in opposite order."""
    rows = [[(0, 0), (0, 1), (0, 2)], [(1, 3), (1, 4), (1, 5)]]
    widths = {place: 1.0 for row in rows for place in row}
    joints = [((0, 0), (1, 5)), ((0, 1), (1, 4)), ((0, 2), (1, 3))]
    xs = columns(rows, widths, joints)
    for lower, upper in joints:
        assert abs(xs[lower] - xs[upper]) < 1e-6


def test_a_lone_place_stands_above_the_middle_of_its_sources():
    rows = [[(0, 0), (0, 1)], [(1, 2)]]
    widths = {(0, 0): 2.0, (0, 1): 2.0, (1, 2): 3.0}
    xs = columns(rows, widths, [((0, 0), (1, 2)), ((0, 1), (1, 2))])
    assert abs(xs[1, 2] - (xs[0, 0] + xs[0, 1]) / 2) < 1e-6
