import os
import sys

import pytest

from nasnet_keras import processor


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (processor.ONEDNN, processor.ISA):
        monkeypatch.delenv(name, raising=False)


def has(monkeypatch, *flags):
    monkeypatch.setattr(processor, "processor_flags", lambda: flags)


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {3, 5, 7})
    assert processor.usable_cores() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert processor.usable_cores() == 8


def test_flags_are_read_from_what_linux_says(monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "Path", lambda name: file)
    read = processor.processor_flags.__wrapped__
    assert read() == ()
    file.write_text("model\t: 7\nflags\t\t: fpu avx avx2 avx512_vnni\n")
    assert read() == ("avx2", "avx512_vnni")


@pytest.mark.parametrize(
    ("flags", "chosen", "on"),
    [
        (("avx2",), None, False),
        (("avx2", "amx_tile"), None, True),
        (("avx2",), "1", True),
        (("avx2", "avx512_vnni"), "0", False),
    ],
)
def test_where_onednn_is_on(monkeypatch, flags, chosen, on):
    has(monkeypatch, *flags)
    if chosen is not None:
        monkeypatch.setenv(processor.ONEDNN, chosen)
    assert processor.onednn_is_on() == on


@pytest.mark.parametrize(
    ("flags", "isa", "there"),
    [
        ((), None, False),
        (("avx512bw",), None, True),
        (("avx512bw",), "avx512_core", True),
        (("avx512bw",), "AVX2", False),
    ],
)
def test_where_onednn_has_avx512(monkeypatch, flags, isa, there):
    has(monkeypatch, *flags)
    if isa is not None:
        monkeypatch.setenv(processor.ISA, isa)
    assert processor.onednn_has_avx512() == there


@pytest.mark.parametrize(
    ("machine", "chosen", "then"),
    [("aarch64", None, None), ("x86_64", "0", "0"), ("x86_64", None, "1")],
)
def test_onednn_is_switched_on_unless_the_user_chose(
    monkeypatch, machine, chosen, then
):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(processor.platform, "machine", lambda: machine)
    if chosen is not None:
        monkeypatch.setenv(processor.ONEDNN, chosen)
    with monkeypatch.context() as context:
        context.setattr(os, "environ", dict(os.environ))
        processor.enable_onednn()
        assert os.environ.get(processor.ONEDNN) == then


@pytest.mark.parametrize(
    ("flags", "told"), [(("avx2",), 1), (("avx2", "avx512_vnni"), 0), ((), 0)]
)
def test_who_imported_tensorflow_before_is_told(
    monkeypatch, caplog, flags, told
):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    has(monkeypatch, *flags)
    processor.enable_onednn()
    assert processor.ONEDNN not in os.environ
    assert len(caplog.records) == told


def test_the_setting_is_the_one_that_holds(monkeypatch):
    has(monkeypatch, "avx2", "avx512_vnni")
    assert processor.computing_setting() == {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "ONEDNN_MAX_CPU_ISA": "ALL",
        "processor": "avx2 avx512_vnni",
    }
    monkeypatch.setenv(processor.ONEDNN, "0")
    monkeypatch.setenv(processor.ISA, "avx2")
    setting = processor.computing_setting()
    assert list(setting.values())[:2] == ["0", "AVX2"]
