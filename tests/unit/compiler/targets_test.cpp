// Whole graphs compiled for every described target this machine can run: machine code natively, PTX in the
// interpreter.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "compiler/compiler.h"
#include "graph/interpret.h"
#include "graph/print.h"
#include "ops/host.h"
#include "ops/tolerance.h"
#include "runtime/cpu_device.h"
#include "schedule/implementation.h"

namespace intarsia::compiler {
namespace {

schedule::ImplementationTable builtins() {
  schedule::ImplementationTable table;
  schedule::add_builtins(table);
  return table;
}

using Extents = std::vector<std::vector<std::int64_t>>;

std::vector<ops::OwnedTensor> inputs_of(const graph::Graph& graph, const Extents& extents) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<ops::OwnedTensor> out;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const DType t = graph.type(graph.inputs()[i].value).dtype;
    ops::OwnedTensor x = ops::make_tensor(t, extents[i]);
    for (std::int64_t e = 0; e < ops::numel(extents[i]); ++e)
      store_bits(t, x.bytes.data(), e,
                 is_float(t) ? bits_from_float(t, normal(random))
                             : bits_from_int(t, static_cast<std::int64_t>(random() % 40) - 20));
    out.push_back(std::move(x));
  }
  return out;
}

runtime::DeviceTensor on_device(runtime::Device& device, const ops::OwnedTensor& x) {
  auto out = runtime::DeviceTensor::make(device, x.dtype, runtime::Extents(x.extents));
  if (!x.bytes.empty()) std::memcpy(out.data, x.bytes.data(), x.bytes.size());
  return out;
}

void expect_everywhere(const std::string& text, const std::vector<Extents>& sizes) {
  const graph::Graph graph = graph::parse(text);
  const schedule::ImplementationTable table = builtins();
  std::vector<std::string> targets = {host_target().name, "sm_80", "sm_90a"};
  for (const std::string& name : targets) {
    const Target target = name.starts_with("sm") ? *described_target(name) : host_target();
    Compiled compiled = compile_program(graph, {}, target, table);
    runtime::Device& device = runtime::cpu_device();
    const auto executable = runtime::Executable::make(std::move(compiled.program), device);
    for (const Extents& extents : sizes) {
      const auto inputs = inputs_of(graph, extents);
      std::vector<ops::HostTensor> host;
      std::vector<runtime::DeviceTensor> given;
      for (auto x : inputs) given.push_back(on_device(device, x));
      for (const auto& x : inputs)
        host.push_back({x.dtype, x.extents, const_cast<std::byte*>(x.bytes.data())});
      const auto want = graph::interpret(graph, host);
      const auto got = executable->run(given);
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t i = 0; i < want.size(); ++i) {
        auto expected = want[i];
        const std::vector<std::int64_t> shape(got[i].extents.begin(), got[i].extents.end());
        ops::Tolerance allowed = ops::tolerance(expected.dtype);
        allowed.scale = 1;
        EXPECT_EQ(ops::difference({got[i].dtype, shape, got[i].data}, expected.view(), allowed), "")
            << "on " << name << "\n"
            << text;
      }
    }
  }
}

TEST(Targets, ChainsOfPointwiseOperators) {
  expect_everywhere(R"(symbol n 0..
graph(x: f32[n], y: f32[n]) {
  %0 = mul(x, y)
  %1 = exp(%0)
  %2 = gelu(%1)
  %3 = sub(%2, x)
  return %3
})",
                    {{{0}, {0}}, {{1}, {1}}, {{777}, {777}}, {{5000}, {5000}}});
}

TEST(Targets, RowsAndColumnsAreReduced) {
  expect_everywhere(R"(symbol n 1..
symbol m 1..
graph(x: f32[n, m]) {
  %0 = softmax(x)
  %1 = sum(%0) {dim=[0]}
  %2 = max(x) {dim=[1]}
  %3 = argmax(x)
  return %0, %1, %2, %3
})",
                    {{{1, 1}}, {{3, 70}}, {{5, 1500}}});
}

TEST(Targets, AMatrixProductTakesItsNeighbours) {
  expect_everywhere(R"(symbol n 1..
graph(x: f32[n, 33], w: f32[33, 20], b: f32[20]) {
  %0 = matmul(x, w)
  %1 = add(%0, b)
  %2 = tanh(%1)
  return %2
})",
                    {{{1, 33}, {33, 20}, {20}}, {{70, 33}, {33, 20}, {20}}});
}

TEST(Targets, LayerNormOfHalves) {
  expect_everywhere(R"(symbol n 1..
graph(x: f16[n, 96], w: f16[96], b: f16[96]) {
  %0 = layer_norm(x, w, b)
  return %0
})",
                    {{{1, 96}, {96}, {96}}, {{7, 96}, {96}, {96}}});
}

TEST(Targets, ASmallNetwork) {
  expect_everywhere(
      R"(symbol n 1..
graph(x: f32[n, 64], w1: f32[64, 96], b1: f32[96], w2: f32[96, 48], g: f32[96], b: f32[96]) {
  %0 = matmul(x, w1)
  %1 = add(%0, b1)
  %2 = layer_norm(%1, g, b)
  %3 = gelu(%2)
  %4 = matmul(%3, w2)
  %5 = slice(w1) {begin=[0, 0], end=[64, 48]}
  %6 = matmul(x, %5)
  %7 = softmax(%6)
  %8 = add(%4, %7)
  return %8
})",
      {{{1, 64}, {64, 96}, {96}, {96, 48}, {96}, {96}}, {{33, 64}, {64, 96}, {96}, {96, 48}, {96}, {96}}});
}

TEST(Targets, ASmallNetworkOfAnyWidth) {
  expect_everywhere(
      R"(symbol n 1..
symbol k 1..
symbol m 1..
symbol p 1..
graph(x: f32[n, k], w1: f32[k, m], b1: f32[m], w2: f32[m, p], g: f32[m], b: f32[m]) {
  %0 = matmul(x, w1)
  %1 = add(%0, b1)
  %2 = layer_norm(%1, g, b)
  %3 = gelu(%2)
  %4 = matmul(%3, w2)
  %5 = softmax(%4)
  %6 = add(%4, %5)
  return %6
})",
      {{{1, 64}, {64, 96}, {96}, {96, 48}, {96}, {96}}, {{33, 64}, {64, 96}, {96}, {96, 48}, {96}, {96}}});
}

TEST(Targets, ASmallNetworkOfOneSize) {
  expect_everywhere(
      R"(graph(x: f32[33, 64], w1: f32[64, 96], b1: f32[96], w2: f32[96, 48], g: f32[96], b: f32[96]) {
  %0 = matmul(x, w1)
  %1 = add(%0, b1)
  %2 = layer_norm(%1, g, b)
  %3 = gelu(%2)
  %4 = matmul(%3, w2)
  %5 = slice(w1) {begin=[0, 0], end=[64, 48]}
  %6 = matmul(x, %5)
  %7 = softmax(%6)
  %8 = add(%4, %7)
  return %8
})",
      {{{33, 64}, {64, 96}, {96}, {96, 48}, {96}, {96}}});
}

TEST(Targets, AnglesOfAnySize) {
  expect_everywhere(R"(symbol n 0..
graph(x: f32[n]) {
  %0 = mul(x, x)
  %1 = mul(%0, %0)
  %2 = mul(%1, %1)
  %3 = mul(%2, %2)
  %4 = sin(%3)
  %5 = cos(%3)
  return %4, %5
})",
                    {{{1}}, {{500}}});
}

TEST(Targets, IntegersAndConditions) {
  expect_everywhere(R"(symbol n 0..
graph(x: i32[n, 5], y: i32[5]) {
  %0 = floor_div(x, y)
  %1 = mod(x, y)
  %2 = less(%0, %1)
  %3 = where(%2, %0, %1)
  %4 = cast(%3) {dtype=i64}
  return %4
})",
                    {{{0, 5}, {5}}, {{1, 5}, {5}}, {{300, 5}, {5}}});
}

}  // namespace
}  // namespace intarsia::compiler
