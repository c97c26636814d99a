// Random programs: what the interpreter makes of them is what their trees say, with every check on and no
// report.
#include <fmt/format.h>

#include <thread>

#include "../../ptx/random/interpret.h"
#include "../../ptx/random/sweep.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

random::Program made(std::uint64_t seed) {
  random::Choices choices(seed);
  return random::generate(choices, "k");
}

// The last block first, on two threads.
void backwards(std::int64_t count, const std::function<void(std::int64_t)>& body) {
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
    EXPECT_EQ(random::interpret(program, again, backwards), "") << "seed " << seed;
    EXPECT_TRUE(got == again) << "seed " << seed;
  }
}

TEST(PtxRandom, TheSameSeedGivesTheSameText) {
  EXPECT_EQ(random::text(made(7)), random::text(made(7)));
  EXPECT_NE(random::text(made(7)), random::text(made(8)));
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
