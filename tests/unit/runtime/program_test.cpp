// Programs: text, bytes, invariants, and thousands of damaged ones.
#include "runtime/program.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "runtime/fields.h"

namespace intarsia::runtime {
namespace {

Argument buffer_argument(BufferId id, Access access, std::string name) {
  Argument a;
  a.kind = Argument::Kind::kBuffer;
  a.buffer = id, a.access = access, a.name = std::move(name);
  return a;
}

Argument dim_argument(DimId value, DType dtype, std::string name) {
  Argument a;
  a.kind = Argument::Kind::kDim;
  a.value = value, a.dtype = dtype, a.name = std::move(name);
  return a;
}

Step step_of(std::string name, Step::Body body) {
  Step s;
  s.name = std::move(name);
  s.body = std::move(body);
  return s;
}

// Every kind of step and table once.
Program sample() {
  Program p;
  p.target = "x86-64-v3";
  const Dim n = Dim::symbol("n", {.min = 0, .max = 4096, .multiple = 1, .opt = 1000});
  const Dim count = Dim::symbol("count", {.min = 0, .max = 4096});
  const Dim round = Dim::symbol("round");
  p.symbols = {
      {{"n", {.min = 0, .max = 4096, .multiple = 1, .opt = 1000}}, SymbolDef::Source::kInputExtent, 0, 0},
      {{"count", {.min = 0, .max = 4096}}, SymbolDef::Source::kWait, 0, 0},
      {{"round", {}}, SymbolDef::Source::kCounter, 0, 0}};
  const DimId bytes = p.dim(n * 4), eight = p.dim(8);
  Buffer in;
  in.name = "x", in.kind = Buffer::Kind::kInput, in.dtype = DType::kF32, in.shape = {p.dim(n)},
  in.bytes = bytes;
  const BufferId x = p.add(in);
  in.name = "y", in.kind = Buffer::Kind::kOutput;
  const BufferId y = p.add(in);
  Buffer temporary;
  temporary.name = "t", temporary.dtype = DType::kF32, temporary.bytes = bytes, temporary.first = 0,
  temporary.last = 4;
  const BufferId t = p.add(temporary);
  Buffer piece = temporary;
  piece.name = "piece", piece.inside = t, piece.offset = eight, piece.bytes = eight;
  const BufferId part = p.add(piece);
  Code code;
  code.entry = "add_one", code.params_known = 1;
  code.params = {{8, 1, DType::kF32, "x"}, {8, 1, DType::kF32, "y"}, {4, 0, DType::kI32, "n"}};
  code.images = {{Image::Form::kSymbol, "", "add_one"}};
  const CodeId c = p.add(code);
  Launch launch;
  launch.code = c, launch.grid = {p.dim(cdiv(n, 256))};
  launch.arguments = {buffer_argument(x, Access::kRead, "x"), buffer_argument(t, Access::kWrite, "y"),
                      dim_argument(p.dim(n), DType::kI32, "n")};
  p.steps.push_back(step_of("add_one", launch));
  p.steps.push_back(step_of("zero", Memset{buffer_argument(part, Access::kWrite, "t"), 0, 4, eight}));
  Choose choose;
  choose.key = "softmax";
  choose.alternatives = {
      {"row", p.guard({{n, Condition::Relation::kLessEqual, 1024}}), {step_of("row", launch)}},
      {"loop", {}, {step_of("loop", launch)}}};
  p.steps.push_back(step_of("softmax", choose));
  Call call;
  call.library = "host", call.function = "example::f", call.outputs = {1}, call.serialisable = 0;
  call.arguments = {buffer_argument(t, Access::kRead, "a"), buffer_argument(y, Access::kWrite, "b")};
  While loop;
  loop.condition = {step_of("read", Wait{{{buffer_argument(t, Access::kRead, "count"), {1}, p.dim(n)}}})};
  loop.again = p.guard({{round, Condition::Relation::kLess, count}});
  loop.body = {step_of("body", call)};
  loop.counter = {2};
  p.steps.push_back(step_of("loop", loop));
  p.steps.push_back(step_of("out", Copy{buffer_argument(t, Access::kRead, "t"),
                                        buffer_argument(y, Access::kWrite, "y"),
                                        bytes,
                                        {},
                                        {},
                                        {},
                                        "kept"}));
  p.tuning = {{"softmax", "x86-64-v3", "loop", p.guard({{n, Condition::Relation::kLess, 100}}), 1.5}};
  p.lines = {"", "model.py:41"};
  p.steps[0].line = 1;
  p.requirements = {{p.guard({{n % 2, Condition::Relation::kEqual, 0}})[0], "n must be even", 1}};
  p.blobs = {"shared \0 bytes"};
  return p;
}

std::string broken(Program p) {
  try {
    verify(p);
  } catch (const InternalError& e) { return e.what(); }
  return "nothing";
}

TEST(Program, BytesKeepEverything) {
  const Program p = sample();
  verify(p);
  const std::string bytes = to_bytes(p);
  const Program q = from_bytes(bytes);
  EXPECT_EQ(print(p), print(q));
  EXPECT_EQ(bytes, to_bytes(q));
  EXPECT_EQ(q.symbols[0].symbol.range.opt, 1000);
}

TEST(Program, TextShowsStepsInsideSteps) {
  const std::string text = print(sample());
  EXPECT_NE(text.find("buffer %0 <name=\"x\" kind=input dtype=f32 shape=[{n}] bytes={n 4 *} align=64>"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("name=\"softmax\" body=choose(key=\"softmax\""), std::string::npos) << text;
  EXPECT_NE(text.find("\n    name=\"row\" body=launch(code=@add_one"), std::string::npos) << text;
  EXPECT_NE(text.find("line 1 model.py:41"), std::string::npos) << text;
}

TEST(Program, FindsWhatIsBroken) {
  const auto with = [](auto change) {
    Program p = sample();
    change(p);
    return broken(std::move(p));
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_EQ(broken(sample()), "nothing");
  EXPECT_TRUE(
      has(with([](Program& p) { std::get<Launch>(p.steps[0].body).code = {7}; }), "outside its table"));
  EXPECT_TRUE(has(with([](Program& p) { p.dims.push_back(p.dims[0]); }), "two dims are identical"));
  EXPECT_TRUE(has(with([](Program& p) { p.dims.push_back(Dim::symbol("k")); }), "uses symbol k"));
  EXPECT_TRUE(has(with([](Program& p) { p.symbols[0].symbol.range.max = 9; }), "not declared so"));
  EXPECT_TRUE(has(with([](Program& p) { p.symbols[1].symbol.name = "n"; }), "two symbols are named n"));
  EXPECT_TRUE(has(with([](Program& p) { p.symbols[0].axis = 3; }), "an input that does not exist"));
  EXPECT_TRUE(has(with([](Program& p) { p.buffers[2].last = 0; }), "temporary t is not alive here"));
  EXPECT_TRUE(has(with([](Program& p) { p.buffers[2].inside = {3}; }), "its chain must end"));
  EXPECT_TRUE(
      has(with([](Program& p) { p.buffers[1].kind = Buffer::Kind::kInput; }), "two buffers are one port"));
  EXPECT_TRUE(
      has(with([](Program& p) { std::get<Launch>(p.steps[0].body).grid.clear(); }), "bad launch geometry"));
  EXPECT_TRUE(has(with([](Program& p) { std::get<Launch>(p.steps[0].body).arguments.pop_back(); }),
                  "add_one has 3 parameters, bound are 2"));
  EXPECT_TRUE(
      has(with([](Program& p) { std::get<Launch>(p.steps[0].body).arguments[2].dtype = DType::kI64; }),
          "argument 'n' has another width than parameter 'n'"));
  EXPECT_TRUE(has(with([](Program& p) { std::get<Choose>(p.steps[2].body).alternatives.clear(); }),
                  "nothing to choose from"));
  EXPECT_TRUE(has(with([](Program& p) { std::get<Choose>(p.steps[2].body).alternatives[1].name = "row"; }),
                  "have one name"));
  EXPECT_TRUE(
      has(with([](Program& p) { std::get<While>(p.steps[3].body).counter = {0}; }), "not declared so"));
  EXPECT_TRUE(has(with([](Program& p) { p.steps[0].line = 9; }), "line is outside the table"));
  EXPECT_TRUE(has(with([](Program& p) { p.buffers[0].align = 48; }), "bad alignment"));
  EXPECT_TRUE(has(with([](Program& p) {
                    for (int i = 0; i < 40; ++i) {
                      Choose choose;
                      choose.alternatives = {{"only", {}, std::move(p.steps)}};
                      p.steps.clear();
                      p.steps.push_back(step_of("outer", std::move(choose)));
                    }
                  }),
                  "nested too deep"));
}

TEST(Program, NestingInBytesIsBounded) {
  Program p;
  for (int i = 0; i < 2000; ++i) {
    Choose choose;
    choose.alternatives.push_back({"only", {}, std::move(p.steps)});
    p.steps.clear();
    p.steps.push_back(step_of("s", std::move(choose)));
  }
  const std::string bytes = to_bytes(p);
  EXPECT_THROW(from_bytes(bytes), UserError);
}

TEST(Program, DamagedBytesAreErrors) {
  const std::string good = to_bytes(sample());
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    const auto at = [&] { return random() % bytes.size(); };
    switch (random() % 4) {
      case 0: bytes.resize(at()); break;
      case 1: bytes[at()] = static_cast<char>(random()); break;
      case 2:
        bytes[at()] ^= static_cast<char>(1 << random() % 8),
            bytes[at()] ^= static_cast<char>(1 << random() % 8);
        break;
      default: bytes.insert(at(), std::string(random() % 9, static_cast<char>(random())));
    }
    try {
      verify(from_bytes(bytes));  // what is accepted is valid
    } catch (const UserError&) { ++refused; }
  }
  EXPECT_GT(refused, 10000);
}

TEST(Program, ReaderStepsOverFieldsItDoesNotKnow) {
  std::string bytes = to_bytes(sample());
  const auto with_field = [&](std::uint64_t number) {
    std::string out = bytes;
    put_varint(out, number), put_varint(out, 3);
    return out + "abc";
  };
  EXPECT_EQ(print(from_bytes(with_field(99))), print(sample()));
  EXPECT_EQ(print(from_bytes(with_field(101))), print(sample()));
  try {
    from_bytes(with_field(102));
    FAIL();
  } catch (const UserError& e) { EXPECT_STREQ(e.what(), "this engine needs a newer Intarsia (field 102)"); }
}

TEST(Program, VisitsEveryId) {
  Program p = sample();
  std::size_t buffers = 0, nested = 0;
  for_each_id(p, [&](auto& id) { buffers += std::is_same_v<std::decay_t<decltype(id)>, BufferId> && id; });
  for_each_step(p.steps, [&](Step&) { ++nested; });
  EXPECT_EQ(nested, 9u);
  EXPECT_EQ(buffers, 13u);
}

}  // namespace
}  // namespace intarsia::runtime
