import os

import pytest

from nasnet_keras import processor


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (processor.ONEDNN, processor.ISA):
        monkeypatch.delenv(name, raising=False)


def has(monkeypatch, *flags):
    monkeypatch.setattr(processor, "processor_flags", lambda: flags)


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


def test_onednn_is_switched_on_unless_the_user_chose(monkeypatch):
    monkeypatch.setattr(processor.platform, "machine", lambda: "aarch64")
    processor.enable_onednn()
    assert processor.ONEDNN not in os.environ
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv(processor.ONEDNN, "0")
    processor.enable_onednn()
    assert os.environ[processor.ONEDNN] == "0"
    monkeypatch.delenv(processor.ONEDNN)
    processor.enable_onednn()
    assert os.environ[processor.ONEDNN] == "1"


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
