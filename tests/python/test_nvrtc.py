"""NVRTC out of Python packages."""

import sys

from intarsia.plugins import nvrtc


def test_folders_of_packages_are_found(tmp_path, monkeypatch):
    for package, library in [
        ("cuda_nvrtc", "libnvrtc.so.12"),
        ("cu13", "libnvrtc.so.13"),
        ("cublas", "libcublas.so.13"),
    ]:
        folder = tmp_path / "nvidia" / package / "lib"
        folder.mkdir(parents=True)
        (folder / library).touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    found = nvrtc.folders()
    assert str(tmp_path / "nvidia" / "cuda_nvrtc" / "lib") in found
    assert str(tmp_path / "nvidia" / "cu13" / "lib") in found
    assert not [folder for folder in found if "cublas" in folder]


def test_no_package_is_no_folder(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    assert nvrtc.folders() == []
