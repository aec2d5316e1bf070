"""What builders of each version are told and answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from steadypose.engines.tensorrt import BuildSpec, Flavour, build_engine
from steadypose.engines.zoo import file_sha256
from steadypose.errors import EngineError, OutputError
from tests.engines.tensorrt.fake_tensorrt import FakeTensorRt, record
from tests.engines.tensorrt.networks import write_network

ALL = tuple(record())
STRONG = tuple(key for key in ALL if not key.startswith("tensorrt 8."))
SIZES = ((192, 128), (64, 96), (256, 192))


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path / "net.onnx")


def build(path: Path, fake: FakeTensorRt, **spec: Any) -> dict[str, Any]:
    return build_engine(path, BuildSpec(sizes=SIZES, **spec), Flavour.of(fake)).facts


@pytest.mark.parametrize("key", ALL)
def test_flags_of_each_version(network: Path, key: str) -> None:
    fake = FakeTensorRt(key)
    facts = build(network, fake)
    (made,), (config,) = fake.networks, fake.configs
    creation = record()[key]["enums"]["NetworkDefinitionCreationFlag"]
    half_in_graph = "first/half" in {t.name for t in made.model.graph.initializer}
    if key in STRONG:
        assert made.flags == 1 << creation["STRONGLY_TYPED"]
        assert config._flags == set()
        assert half_in_graph
        assert facts["typed"] == "strong"
    else:
        assert made.flags == 1 << creation["EXPLICIT_BATCH"]
        assert config._flags == {"FP16", "OBEY_PRECISION_CONSTRAINTS"}
        assert not half_in_graph
        assert facts["typed"] == "weak"
    assert config.__dict__["profiling_verbosity"].name == "DETAILED"
    assert "set_memory_pool_limit" not in config._told


def test_version_8_loads_no_cublas(network: Path) -> None:
    fake = FakeTensorRt("tensorrt 8.6.0")
    build(network, fake)
    numbers = record()["tensorrt 8.6.0"]["enums"]["TacticSource"]
    ((sources,),) = fake.configs[0]._told["set_tactic_sources"]
    on = {name for name, bit in numbers.items() if sources >> bit & 1}
    assert on == {"EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"}
    later = FakeTensorRt("tensorrt 10.0.1")
    build(network, later)
    assert "set_tactic_sources" not in later.configs[0]._told


def test_version_8_lets_contexts_share_a_profile(network: Path) -> None:
    fake = FakeTensorRt("tensorrt 8.6.0")
    build(network, fake)
    ((feature, on),) = fake.configs[0]._told["set_preview_feature"]
    assert (feature.name, on) == ("PROFILE_SHARING_0806", True)
    later = FakeTensorRt("tensorrt 10.0.1")  # whose contexts do so anyway
    build(network, later)
    assert "set_preview_feature" not in later.configs[0]._told


def test_version_8_pins_the_decoder_to_fp32(network: Path) -> None:
    fake = FakeTensorRt("tensorrt 8.6.0")
    build(network, fake)
    layers = fake.networks[0].layers
    assert {layer.name for layer in layers if layer._pinned} == {
        *("image/full", "planes", "cast", "normalise", "softmax", "outside", "decode/sum")
    }
    pinned = next(layer for layer in layers if layer.name == "softmax")
    assert pinned.__dict__["precision"] is fake.DataType.FLOAT


@pytest.mark.parametrize("key", ALL)
def test_fp32_asks_for_no_half(network: Path, key: str) -> None:
    fake = FakeTensorRt(key)
    facts = build(network, fake, half=False)
    assert facts["precision"] == "fp32"
    assert facts["evidence"] is None
    assert fake.configs[0]._flags == set()
    kinds = {t.data_type for t in fake.networks[0].model.graph.initializer}
    assert TensorProto.FLOAT16 not in kinds


@pytest.mark.parametrize("key", ALL)
def test_an_engine_that_ignores_fp16_is_refused(network: Path, key: str) -> None:
    with pytest.raises(
        EngineError, match=r"net\.onnx: the engine is not FP16: 100% of its weights"
    ):
        build(network, FakeTensorRt(key, builds_half=False))


def test_the_inspector_is_asked(network: Path) -> None:
    layers = '{"Layers": [{"LayerType": "CaskConvolution", "Weights": {"Type": "%s", "Count": 9}}]}'
    fake = FakeTensorRt("tensorrt 10.0.1", inspector=layers % "Half")
    assert build(network, fake)["evidence"]["inspector"] == {"half_layers": 1, "float32_layers": 0}
    with pytest.raises(EngineError, match="1 of its layers with weights are FP32, 0 FP16"):
        build(network, FakeTensorRt("tensorrt 10.0.1", inspector=layers % "Float"))


def test_facts(network: Path) -> None:
    facts = build(network, FakeTensorRt("tensorrt 10.0.1"), batches=(1, 2, 4))
    assert (facts["flavour"], facts["version"]) == ("tensorrt", "10.0.1")
    assert facts["onnx_sha256"] == file_sha256(network)
    assert facts["profile"] == "n1-2-4 64x96 192x128 256x192"
    assert facts["inputs"] == [{"name": "image", "dtype": "uint8", "shape": [-1, -1, -1, 3]}]
    assert facts["outputs"] == [{"name": "out", "dtype": "float32", "shape": [-1, 32]}]
    assert facts["seconds"] >= 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (("N", "H", "W", 3), ((1, 64, 96, 3), (8, 192, 128, 3), (32, 256, 192, 3))),
        (("N", 3, "H", "W"), ((1, 3, 64, 96), (8, 3, 192, 128), (32, 3, 256, 192))),
        (("N", 96, 64, 3), ((1, 96, 64, 3), (8, 96, 64, 3), (32, 96, 64, 3))),
        ((1, 96, 64, 3), None),
    ],
    ids=["sides last but one", "sides last", "batch", "fixed"],
)
def test_profiles(shape: tuple[int | str, ...], expected: object) -> None:
    numbers = [side if isinstance(side, int) else -1 for side in shape]
    assert BuildSpec(sizes=SIZES).shapes("image", numbers) == expected


def test_fixed_sides_need_no_sizes() -> None:
    assert BuildSpec().shapes("x", (-1, 17, 3)) == ((1, 17, 3), (8, 17, 3), (32, 17, 3))


@pytest.mark.parametrize(
    ("sizes", "shape", "message"),
    [
        (
            (),
            (-1, -1, -1, 3),
            r"input 'x' \(-1, -1, -1, 3\): its height and width are free, and no",
        ),
        (SIZES, (-1, -1, 3), "only batch, height and width can be free"),
    ],
    ids=["no sizes", "odd"],
)
def test_no_profile(sizes: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        BuildSpec(sizes=sizes).shapes("x", shape)


def test_profiles_reach_the_builder(network: Path) -> None:
    fake = FakeTensorRt("tensorrt 11.4.0.106")
    build(network, fake)
    assert fake.profiles == [{"image": ((1, 64, 96, 3), (8, 192, 128, 3), (32, 256, 192, 3))}]
    assert len(fake.configs[0]._told["add_optimization_profile"]) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batches": (1, 9, 8)}, "batches: expected 1 <="),
        ({"batches": (0, 1, 1)}, "batches: expected 1 <="),
        ({"sizes": ((0, 4),)}, "sizes: expected heights and widths of at least 1"),
        ({"workspace_bytes": 0}, "workspace_bytes: expected at least 1, got 0"),
        ({"optimisation_level": 6}, "optimisation_level: expected 0 to 5, got 6"),
    ],
)
def test_bounds_of_the_spec(values: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        BuildSpec(**values)


def test_profile_text_tells_specs_apart() -> None:
    specs = [
        BuildSpec(),
        BuildSpec(batches=(1, 8, 16)),
        BuildSpec(sizes=SIZES),
        BuildSpec(workspace_bytes=1 << 20),
        BuildSpec(version_compatible=True),
        BuildSpec(ampere_plus=True),
        BuildSpec(optimisation_level=3),
        BuildSpec(capabilities=("SM89",)),
    ]
    assert len({spec.profile for spec in specs}) == len(specs)
    assert BuildSpec(timing_cache=Path("t")).profile == BuildSpec().profile


def test_choices_are_passed_on(network: Path) -> None:
    fake = FakeTensorRt("tensorrt 10.16.1.11")
    more = {"version_compatible": True, "ampere_plus": True, "workspace_bytes": 1 << 30}
    build(network, fake, optimisation_level=5, **more)
    (config,) = fake.configs
    ((pool, size),) = config._told["set_memory_pool_limit"]
    assert (pool.name, size) == ("WORKSPACE", 1 << 30)
    assert config._flags == {"VERSION_COMPATIBLE"}
    assert config.__dict__["hardware_compatibility_level"].name == "AMPERE_PLUS"
    assert config.__dict__["builder_optimization_level"] == 5
    fake = FakeTensorRt("tensorrt_rtx 1.7.1.116")
    build(network, fake, capabilities=("SM86", "SM120"))
    assert fake.configs[0].__dict__["num_compute_capabilities"] == 2
    told = fake.configs[0]._told["set_compute_capability"]
    assert [(kind.name, place) for kind, place in told] == [("SM86", 0), ("SM120", 1)]


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("tensorrt 10.0.1", {"capabilities": ("SM86",)}, "10.0.1 builds for the GPU at hand"),
        ("tensorrt_rtx 1.7.1.116", {"capabilities": ("SM90",)}, "no 'SM90'; it has SM75, SM80"),
        ("tensorrt_rtx 1.7.1.116", {"version_compatible": True}, "^version_compatible: tensorrt_r"),
        ("tensorrt_rtx 1.7.1.116", {"ampere_plus": True}, "^ampere_plus: tensorrt_rtx 1.7"),
        ("tensorrt_rtx 1.7.1.116", {"optimisation_level": 1}, "^optimisation_level: tensorrt_rtx"),
    ],
)
def test_choices_that_a_version_does_not_have(
    network: Path, key: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        build(network, FakeTensorRt(key), **values)


@pytest.mark.parametrize("known", [None, b"old", b"foreign", b"damaged"])
def test_timings_are_kept(network: Path, tmp_path: Path, known: bytes | None) -> None:
    path = tmp_path / "timings" / "sm_90.cache"
    if known is not None:
        path.parent.mkdir()
        path.write_bytes(known)
    fake = FakeTensorRt("tensorrt 10.0.1")
    build(network, fake, timing_cache=path)
    expected = [b""] if known is None else [known] if known == b"old" else [known, b""]
    assert [taken for (taken,) in fake.configs[0]._told["create_timing_cache"]] == expected
    assert path.read_bytes() == b"timings"
    assert [p.name for p in path.parent.iterdir()] == ["sm_90.cache"]


def test_timings_that_others_may_have_written_are_refused(network: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.timings"
    path.write_bytes(b"old")
    path.chmod(0o666)
    with pytest.raises(EngineError, match="others may write to it"):
        build(network, FakeTensorRt("tensorrt 10.0.1"), timing_cache=path)


def test_rtx_measures_nothing(network: Path, tmp_path: Path) -> None:
    fake = FakeTensorRt("tensorrt_rtx 1.7.1.116")
    build(network, fake, timing_cache=tmp_path / "t.cache")
    assert not {"create_timing_cache", "set_timing_cache"} & set(fake.configs[0]._told)
    assert not (tmp_path / "t.cache").exists()


def test_timings_that_cannot_be_kept(network: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"t\.cache: cannot be (read|written)"):
        build(network, FakeTensorRt("tensorrt 10.0.1"), timing_cache=tmp_path / "file" / "t.cache")


@pytest.mark.parametrize("key", ["tensorrt 8.6.0", "tensorrt 11.4.0.106"])
def test_no_gpu(network: Path, key: str) -> None:
    with pytest.raises(EngineError, match=r"no usable NVIDIA GPU or driver \(CUDA init") as error:
        build(network, FakeTensorRt(key, gpu=False))
    assert str(error.value).startswith(f"{key} cannot build here")
    assert "\n" not in str(error.value)


def test_damaged_libraries(network: Path) -> None:
    # As 8.6.0 said it on an H100 of a library that was not whole.
    said = "Error Code 2: Internal Error (Assertion validateCaskKLibDigest(sha256sum) failed. )"
    with pytest.raises(EngineError, match=r"files are damaged; install it anew .*validateCask"):
        build(network, FakeTensorRt("tensorrt 8.6.0", gpu=False, refusal=said))


@pytest.mark.parametrize("key", ["tensorrt 8.6.0", "tensorrt 10.0.1"])
def test_parse_errors_name_the_node(tmp_path: Path, key: str) -> None:
    path = write_network(tmp_path / "bad.onnx", first="Det")
    with pytest.raises(EngineError, match=r"cannot read node 'the_det' \(Det\)") as error:
        build(path, FakeTensorRt(key))
    assert str(error.value).endswith("unsupported node: no importer registered")
    assert "\n" not in str(error.value)


def test_a_failed_build_says_the_first_thing_that_went_wrong(tmp_path: Path) -> None:
    path = write_network(tmp_path / "n.onnx", name="unbuildable")
    timings = tmp_path / "t.timings"
    timings.write_bytes(b"damaged")  # of which TensorRT complains, and builds all the same
    with pytest.raises(EngineError, match=r"could not build it: no implementation for node 7$"):
        build(path, FakeTensorRt("tensorrt 10.0.1"), timing_cache=timings)


def test_a_version_compatible_engine_may_bring_its_own_code_to_the_inspector(network: Path) -> None:
    for compatible in (False, True):
        fake = FakeTensorRt("tensorrt 10.16.1.11")
        build(network, fake, version_compatible=compatible)
        assert fake.runtimes[0].engine_host_code_allowed is compatible


def test_progress_where_it_is_told(network: Path) -> None:
    told: dict[str, list[tuple[str, float | None]]] = {}
    for key in ("tensorrt 8.6.0", "tensorrt 10.0.1"):
        heard = told[key] = []
        build_engine(
            network,
            BuildSpec(sizes=SIZES),
            Flavour.of(FakeTensorRt(key)),
            report=lambda what, done, heard=heard: heard.append((what, done)),  # type: ignore[misc]
        )
    start = [("preparing net.onnx", None), ("building net.onnx (fp16)", None)]
    end = [("checking net.onnx", None)]
    assert told["tensorrt 8.6.0"] == start + end
    middle = [("building net.onnx (fp16)", share) for share in (0.5, 1.0)]
    assert told["tensorrt 10.0.1"] == start + middle + end


def test_the_listener_can_stop_a_build(network: Path) -> None:
    def stop(_what: str, done: float | None) -> None:
        if done is not None:
            raise KeyboardInterrupt

    flavour = Flavour.of(FakeTensorRt("tensorrt 10.0.1"))
    with pytest.raises(KeyboardInterrupt):
        build_engine(network, BuildSpec(sizes=SIZES), flavour, report=stop)
