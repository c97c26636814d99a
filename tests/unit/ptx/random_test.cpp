// Random programs: what the interpreter makes of them is what their trees say, with every check on and no
// report.
#include <fmt/format.h>

#include <thread>

#include "../../ptx/random/interpret.h"
#include "../../ptx/random/reduce.h"
#include "../../ptx/random/sweep.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

random::Program made(std::uint64_t seed) {
  random::Choices choices(seed);
  return random::generate(choices, "k");
}

// On two threads.
void both(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::thread other([&] {
    for (std::int64_t i = count - 1; i >= 0; i -= 2) body(i);
  });
  for (std::int64_t i = count - 2; i >= 0; i -= 2) body(i);
  other.join();
}

TEST(PtxRandom, ProgramsComputeWhatTheirTreesSay) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const random::Program program = made(seed);
    random::Memory wanted = random::inputs(program, seed), got = wanted, again = wanted;
    random::evaluate(program, wanted);
    EXPECT_EQ(random::interpret(program, got), "") << "seed " << seed;
    EXPECT_EQ(random::difference(program, got, wanted), "") << "seed " << seed;
    EXPECT_EQ(random::interpret(program, again, both), "") << "seed " << seed;
    EXPECT_TRUE(got == again) << "seed " << seed;
  }
}

TEST(PtxRandom, TheSameSeedGivesTheSameText) {
  EXPECT_EQ(random::text(made(7)), random::text(made(7)));
  EXPECT_NE(random::text(made(7)), random::text(made(8)));
}

// Of 40 programs: the least that still has a vote is that vote, outside any branch it can leave.
TEST(PtxRandom, ReducedProgramsKeepWhatIsAskedOfThem) {
  const auto votes = [](const random::Program& p) {
    return random::listing(p).find("vote.sync") != std::string::npos;
  };
  int reduced = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const random::Program whole = made(seed);
    if (!votes(whole)) continue;
    const random::Program least = random::reduced(whole, votes);
    const std::string text = random::listing(least);
    EXPECT_TRUE(votes(least));
    EXPECT_EQ(text.find("vote.sync"), text.rfind("vote.sync")) << text;
    EXPECT_EQ(least.body.size() + least.tail.size(), 1U) << text;
    random::Memory wanted = random::inputs(least, seed), got = wanted;
    random::evaluate(least, wanted);
    EXPECT_EQ(random::interpret(least, got), "") << text;
    EXPECT_EQ(random::difference(least, got, wanted), "") << text;
    ++reduced;
  }
  EXPECT_GT(reduced, 10);
}

TEST(PtxRandom, EveryOperationAloneFollowsItsRule) {
  for (random::Sweep& sweep : random::sweeps()) {
    const Program program(parse(random::header() + random::text(sweep), sweep.operation->text), sweep.name);
    const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(sweep.in.data()),
                                    reinterpret_cast<std::uint64_t>(sweep.out.data())};
    const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
    LaunchConfig config;
    config.grid = {random::kSweepThreads / 128, 1, 1};
    config.block = {128, 1, 1};
    run(program, config, arguments).require_clean();
    EXPECT_EQ(random::difference(sweep), "");
  }
}

}  // namespace
}  // namespace intarsia::ptx
