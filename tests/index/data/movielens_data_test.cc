// What is read of the releases of MovieLens.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

class MovieLensDataTest : public ReadDataSetTest {};

TEST_F(MovieLensDataTest, Of100kConvertsLatin1AndFlags) {
  Write("u.data", "1\t2\t5\t881250949\n");
  Write("u.item",
        "2|Am\xE9lie (2001)|01-Jan-2001||http://x|0|1|0|0|0|0|0|0|0|0|0|0|0|0|"
        "0|1|0|0|0\n3|cut|off\n");
  Write("u.user", "1|24|M|technician|85711\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.ids, ElementsAre(2));
  EXPECT_EQ(Find(data->item_features, "title")->text[0],
            "Am\xC3\xA9lie (2001)");
  EXPECT_EQ(Find(data->item_features, "genres")->text[0],
            "Action\x1f"
            "Sci-Fi");
  EXPECT_EQ(Find(data->user_features, "age")->numbers[0], 24);
  EXPECT_EQ(data->malformed_lines, 1);
}

TEST_F(MovieLensDataTest, Of1mReadsDatFiles) {
  Write("ratings.dat", "1::2::5::978300760\n1::3::4::978300761\n");
  Write("movies.dat", "2::Jumanji (1995)::Adventure|Children's\n");
  Write("users.dat", "1::F::1::10::48067\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->interactions.size(), 2);
  EXPECT_EQ(Find(data->item_features, "genres")->text[0],
            "Adventure\x1f"
            "Children's");
  EXPECT_EQ(Find(data->user_features, "gender")->text[0], "F");
}

TEST_F(MovieLensDataTest, AsCsvReadsQuotedTitlesAndTags) {
  Write("ratings.csv", "userId,movieId,rating,timestamp\n1,2,3.5,978300760\n");
  Write("movies.csv",
        "movieId,title,genres\n2,\"American President, The\",Comedy|Drama\n");
  Write("tags.csv",
        "userId,movieId,tag,timestamp\n1,2,Funny,1\n3,2,white "
        "house,1\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(ValueOf(*data, data->interactions[0]), 3.5F);
  EXPECT_EQ(Find(data->item_features, "title")->text[0],
            "American President, The");
  EXPECT_EQ(Find(data->item_features, "tags")->text[0],
            "funny\x1f"
            "white house");
}

}  // namespace
}  // namespace tributary
