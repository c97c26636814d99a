// The table of implementations, the choice among them, the check of what they built, digests and links.
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "graph/print.h"
#include "run_scheduled.h"
#include "schedule/element_builder.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Kernel;
using kernel::Role;

Implementation named(std::string name, int priority = 0) {
  Implementation i;
  i.name = std::move(name), i.op = "test::op", i.priority = priority;
  i.applies = [](const Implementation&, const Query&) { return Answer::yes(); };
  i.build = [](const Implementation&, const Query&, const Tactic&) -> Built { return Kernels{}; };
  return i;
}
std::string names(const ImplementationTable& table) {
  std::string s;
  for (const ImplementationRef& i : table.of("test::op")) s += i->name + " ";
  return s;
}
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}

// A query of one node with one f32[n] input and output.
struct Asked {
  ops::OpDef op = {.id = "test::op"};
  Attributes attributes;
  std::vector<ops::TensorType> types = {{DType::kF32, {Dim::symbol("n", {.max = 4096})}}};
  std::int32_t sources[1] = {-1};
  QueryNode node{&op, &attributes, types, types, sources};
  Options options;
  Query query(const kernel::Capabilities& machine = testing::cpu()) const {
    return {.nodes = {&node, 1},
            .inputs = types,
            .outputs = types,
            .machine = machine,
            .target = {},
            .options = options};
  }
};

TEST(Table, KeepsThemByPriorityThenName) {
  ImplementationTable t;
  t.add(named("b"), "here");
  t.add(named("c", 1), "here");
  t.add(named("a"), "here");
  EXPECT_EQ(names(t), "c a b ");
  EXPECT_TRUE(t.remove("test::op", "a"));
  EXPECT_FALSE(t.remove("test::op", "a"));
  EXPECT_FALSE(t.remove("test::other", "a"));
  EXPECT_EQ(names(t), "c b ");
  EXPECT_TRUE(t.of("test::other").empty());
}

TEST(Table, ReplacesFromThePlaceThatDefinedItAndNoOther) {
  ImplementationTable t;
  t.add(named("a"), "cell 1");
  const auto before = t.of("test::op");
  t.add(named("a", 3), "cell 1");
  EXPECT_EQ(t.of("test::op")[0]->priority, 3);
  EXPECT_EQ(before[0]->priority, 0);  // who asked keeps what it got
  EXPECT_EQ(error_of([&] { t.add(named("a"), "cell 2"); }),
            "test::op: implementation 'a' is defined at cell 1 and again at cell 2");
  Implementation without = named("b");
  without.build = nullptr;
  EXPECT_EQ(error_of([&] { t.add(without, "x"); }), "test::op: implementation 'b' lacks applies or build");
  EXPECT_EQ(names(t), "a ");
}

TEST(Table, ReadersAndWritersTogether) {
  ImplementationTable t;
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&t, n] {
      for (int i = 0; i < 200; ++i) {
        t.add(named("w" + std::to_string(n)), "here");
        for (const ImplementationRef& r : t.of("test::op")) EXPECT_EQ(r->op, "test::op");
        t.remove("test::op", "w" + std::to_string(n));
      }
    });
  for (std::thread& x : threads) x.join();
  EXPECT_TRUE(t.of("test::op").empty());
}

TEST(Choose, SaysWhyNot) {
  ImplementationTable t;
  Implementation cuda = named("cuda"), process = named("process"), picky = named("picky");
  cuda.machine = Implementation::Machine::kCuda;
  process.ahead_of_time = false;
  picky.applies = [](const Implementation&, const Query&) { return Answer::no("it is picky"); };
  t.add(cuda), t.add(process), t.add(picky), t.add(named("fits"));
  const Asked asked;
  std::vector<Rejected> rejected;
  const auto found = choose(t, asked.query(), true, &rejected);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].implementation->name, "fits");
  EXPECT_EQ(found[0].tactics.size(), 1u);
  std::string text;
  for (const Rejected& r : rejected) text += r.name + ": " + r.reason + "\n";
  EXPECT_EQ(text,
            "cuda: for another machine\npicky: it is picky\n"
            "process: runs a function of this process, which an engine file cannot hold\n");
  EXPECT_EQ(choose(t, asked.query(), false).size(), 2u);
  EXPECT_EQ(choose(t, asked.query(testing::gpu()), false).size(), 3u);
}

TEST(Choose, OrdersByPriorityThenCost) {
  ImplementationTable t;
  Implementation dear = named("a"), cheap = named("b"), first = named("c", 1);
  dear.cost = [](const Implementation&, const Query&, const Tactic&) {
    return Cost{.bytes = 100, .flops = 0};
  };
  cheap.cost = [](const Implementation&, const Query&, const Tactic& tactic) {
    return Cost{.bytes = 10 - tactic.id, .flops = 0};
  };
  cheap.tactics = [](const Implementation&, const Query&) {
    return std::vector<Tactic>{{0, {}, "slow"}, {5, {}, "fast"}};
  };
  t.add(dear), t.add(cheap), t.add(first);
  const Asked asked;
  const auto found = choose(t, asked.query(), true);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].implementation->name + found[1].implementation->name + found[2].implementation->name,
            "cba");
  EXPECT_EQ(found[1].tactics[0].name, "fast");
}

Kernel copy_kernel(DType dtype, std::uint32_t in, std::uint32_t out) {
  Kernel k;
  k.name = "copy";
  Builder b(k);
  const Dim n = Dim::symbol("n", {.max = 4096});
  const std::int64_t block[] = {16};
  const kernel::ValueId x = b.view("x", Role::kInput, in, dtype, {n}),
                        y = b.view("y", Role::kOutput, out, dtype, {n});
  k.grid[0] = cdiv(n, 16);
  const kernel::ValueId at[] = {
      b.binary(kernel::Fn::kMul, b.program_id(0), b.constant(16, kernel::scalar(DType::kI64)))};
  b.store(y, b.load(x, at, block), at);
  return k;
}
Built built(Kernel k, Guard guard = {}) {
  Kernels out;
  out.variants.push_back({std::move(guard), std::move(k)});
  return out;
}

TEST(CheckBuilt, NamesWhatIsWrong) {
  const Asked asked;
  const auto problem = [&](const Built& b) { return error_of([&] { check_built(b, asked.query(), "me"); }); };
  EXPECT_EQ(problem(built(copy_kernel(DType::kF32, 0, 0))), "no error");
  EXPECT_EQ(problem(Kernels{}), "me: no kernel was built");
  EXPECT_EQ(problem(built(copy_kernel(DType::kF32, 1, 0))),
            "me: copy: parameter x is input 1, which does not exist");
  EXPECT_EQ(problem(built(copy_kernel(DType::kF32, 0, 2))),
            "me: copy: parameter y is output 2, which does not exist");
  EXPECT_EQ(problem(built(copy_kernel(DType::kI32, 0, 0))),
            "me: copy: parameter x is i32, but input 0 is f32");
  EXPECT_EQ(problem(built(copy_kernel(DType::kF32, 0, 0),
                          {{Dim::symbol("n", {.max = 4096}), Condition::Relation::kLess, 9}})),
            "me: the last kernel variant must serve every extent");
  EXPECT_EQ(problem(Steps{}), "me: steps: output 0 is written by nothing");
  Kernel broken = copy_kernel(DType::kF32, 0, 0);
  broken.operands[0] = kernel::ValueId{9999};
  EXPECT_NE(problem(built(broken)).find("me: "), std::string::npos);
  const Query q = asked.query();
  ElementBuilder b(q);
  EXPECT_EQ(problem(b.finish(b.cast(b.read(0), DType::kF16))), "me: result out0 is f16, but output 0 is f32");
}

TEST(Digest, ChangesWithWhatWasBuilt) {
  const std::uint64_t one = digest_of_built(built(copy_kernel(DType::kF32, 0, 0)));
  EXPECT_EQ(one, digest_of_built(built(copy_kernel(DType::kF32, 0, 0))));
  Kernel other = copy_kernel(DType::kF32, 0, 0);
  other.warps = 8;
  EXPECT_NE(one, digest_of_built(built(other)));
  Steps steps;
  const std::uint64_t empty = digest_of_built(steps);
  steps.program.steps.emplace_back().name = "x";
  EXPECT_NE(empty, digest_of_built(steps));
}

TEST(Tactics, AreAllKeptForTheTuner) {
  const graph::Graph g =
      graph::parse("graph(a: f32[100, 300], b: f32[300, 200]) { %0 = matmul(a, b) return %0 }");
  Options options;
  options.keep_tactics = true;
  const Scheduled s = schedule(g, testing::builtins(), testing::cpu(), options);
  ASSERT_EQ(s.program.steps.size(), 1u);
  const auto* c = std::get_if<runtime::Choose>(&s.program.steps[0].body);
  ASSERT_NE(c, nullptr);
  EXPECT_FALSE(c->key.empty());
  EXPECT_GE(c->alternatives.size(), 2u);
  EXPECT_EQ(c->alternatives[0].name.substr(0, 5), "tile=");
  const ops::OwnedTensor want[] = {testing::random_tensor(DType::kF32, {100, 300}, 1),
                                   testing::random_tensor(DType::kF32, {300, 200}, 2)};
  for (std::size_t n = 0; n < c->alternatives.size(); ++n) {  // each alone gives the result
    Scheduled one = s;
    auto& alternatives = std::get<runtime::Choose>(one.program.steps[0].body).alternatives;
    alternatives = {c->alternatives[n]};
    ops::OwnedTensor a = want[0], b = want[1];
    const ops::HostTensor inputs[] = {a.view(), b.view()};
    testing::expect_same(g, one, inputs, 1e-4);
  }
}

TEST(Lifetimes, TemporariesShareMemory) {
  std::string text = "symbol n 0..4096\ngraph(x: f32[n, n]) { %0 = softmax(x) {dim=0}";
  for (int i = 1; i < 8; ++i)
    text += " %" + std::to_string(i) + " = softmax(%" + std::to_string(i - 1) +
            ") {dim=" + std::to_string(i % 2) + "}";
  const graph::Graph g = graph::parse(text + " return %7 }");
  const Scheduled s = schedule(g, testing::builtins(), testing::cpu());
  std::size_t temporaries = 0;
  for (const runtime::Buffer& b : s.program.buffers) {
    if (b.kind != runtime::Buffer::Kind::kTemporary) continue;
    ++temporaries;
    EXPECT_EQ(b.last, b.first + 1) << b.name;
  }
  EXPECT_EQ(temporaries, 7u);
  const std::vector<std::int64_t> extents[] = {{20, 20}};
  testing::expect_same(g, extents, 1e-5);
}

}  // namespace
}  // namespace intarsia::schedule
