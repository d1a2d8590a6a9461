#include "server/pipeline/server_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "google/protobuf/text_format.h"

namespace tributary {
namespace {

using ::testing::StartsWith;

v1::ServerConfig Config(const std::string& text) {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "bundles: \"b\" " + text, &config))
      << text;
  return config;
}

TEST(CompleteServerConfig, FillsEveryDefault) {
  const auto config = CompleteServerConfig(Config(""));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_GE(config->execution().search_threads(), 1);
  v1::ServerConfig expected = Config(R"pb(
    listen: "127.0.0.1:7700"
    http: "127.0.0.1:7701"
    admin: "127.0.0.1:7702"
    admin_only: false
    console: true
    control: "unix:b/control.sock"
    log_level: "info"
    limits {
      max_k: 2000
      max_batch: 64
      max_quotas: 16
      max_recent_items: 1000
      max_exclusions: 10000
      max_vector_dim: 4096
      max_key_bytes: 512
      max_concurrent_requests: 256
      max_request_bytes: 4194304
      max_where_bytes: 16384
      max_filter_terms: 1000
      max_explained_items: 16
      max_stream: 1000
    }
    defaults {
      k: 500
      deadline_ms: 100
      fusion { policy: QUOTA k0: 60 }
    }
    execution { inline_below_us: 200 drain_ms: 10000 drain_delay_ms: 0 }
    live_recall { sample_share: .01 queue_length: 64 }
    residency { keep: 1 max_bytes: 0 warm_queries: 200 }
    recording { file: "" max_bytes: 67108864 share: .01 user_keys: false }
    load_reports { in_trailers: false out_of_band: false min_interval_ms: 1000 }
    transport {
      max_connections: 4096
      max_concurrent_streams: 1024
      max_header_bytes: 16384
      max_buffer_bytes: 268435456
      keepalive_ms: 60000
      keepalive_timeout_ms: 20000
      min_client_keepalive_ms: 10000
      max_connection_age_ms: 3600000
      max_connection_idle_ms: 900000
      write_timeout_ms: 5000
      http_read_timeout_ms: 5000
      http_keepalive_ms: 75000
    }
    overload {
      max_wait_ms: 5
      adaptive_limit: true
      degrade: [ "effort", "sources", "popularity" ]
    }
    filters { cache_bytes: 67108864 item_sets_bytes: 268435456 }
    tls {
      certificate_file: ""
      private_key_file: ""
      client_ca_file: ""
      require_client_certificate: false
      listeners: [ "listen", "http", "control" ]
      reload_interval_ms: 1000
    }
    access {
      tokens_file: ""
      jwt { jwks_file: "" issuer: "" audience: "" clock_skew_seconds: 60 }
      open_health: true
      audit_file: ""
    }
    product: ""
  )pb");
  expected.mutable_execution()->set_search_threads(
      config->execution().search_threads());
  EXPECT_GE(config->execution().request_threads(), 1);
  expected.mutable_execution()->set_request_threads(
      config->execution().request_threads());
  EXPECT_EQ(config->DebugString(), expected.DebugString());
}

TEST(CompleteServerConfig, KeepsWhatIsGiven) {
  const auto config = CompleteServerConfig(Config(R"pb(
    limits { max_k: 100 }
    defaults {
      quotas { retriever: "x" share: 1 }
      fusion { k0: 10 }
    }
    live_recall { sample_share: 0 }
  )pb"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->defaults().k(), 100);  // limited by max_k
  EXPECT_EQ(config->defaults().quotas_size(), 1);
  EXPECT_EQ(config->defaults().fusion().k0(), 10);
  EXPECT_EQ(config->live_recall().sample_share(), 0);
}

TEST(CompleteServerConfig, NamesTheFieldThatIsOutOfRange) {
  const std::pair<const char*, const char*> cases[] = {
      {"limits { max_k: 0 }", "limits.max_k: "},
      {"limits { max_batch: 0 }", "limits.max_batch: "},
      {"limits { max_quotas: 33 }", "limits.max_quotas: "},
      {"limits { max_vector_dim: 5000 }", "limits.max_vector_dim: "},
      {"limits { max_key_bytes: 0 }", "limits.max_key_bytes: "},
      {"limits { max_concurrent_requests: 0 }",
       "limits.max_concurrent_requests: "},
      {"limits { max_request_bytes: 1 }", "limits.max_request_bytes: "},
      {"defaults { k: 0 }", "defaults.k: "},
      {"defaults { k: 2001 }", "defaults.k: "},
      {"defaults { deadline_ms: 0 }", "defaults.deadline_ms: "},
      {"defaults { quotas { share: .5 } }", "defaults.quotas[0].retriever: "},
      {"defaults { quotas { retriever: 'a' share: -1 } }",
       "defaults.quotas[0].share: "},
      {"defaults { quotas { retriever: 'a' share: nan } }",
       "defaults.quotas[0].share: "},
      {"defaults { quotas { retriever: 'a' share: .5 }"
       "           quotas { retriever: 'a' share: .1 } }",
       "defaults.quotas[1].retriever: "},
      {"defaults { quotas { retriever: 'a' share: .7 }"
       "           quotas { retriever: 'b' share: .4 } }",
       "defaults.quotas: "},
      {"limits { max_quotas: 1 } defaults {"
       "  quotas { retriever: 'a' share: .1 }"
       "  quotas { retriever: 'b' share: .1 } }",
       "defaults.quotas: "},
      {"defaults { fusion_model { quotas { retriever: 'a' share: .1 } } }",
       "defaults.fusion_model.segments: "},
      {"defaults { fusion { k0: -1 } }", "defaults.fusion.k0: "},
      {"defaults { fusion { weights { key: 'a' value: -1 } } }",
       "defaults.fusion.weights[\"a\"]: "},
      {"execution { search_threads: 0 }", "execution.search_threads: "},
      {"live_recall { sample_share: 1.5 }", "live_recall.sample_share: "},
      {"live_recall { queue_length: 0 }", "live_recall.queue_length: "},
      {"recording { share: 1.5 }", "recording.share: "},
      {"recording { max_bytes: 1000 }", "recording.max_bytes: "},
      {"load_reports { min_interval_ms: 1 }", "load_reports.min_interval_ms: "},
      {"residency { keep: 101 }", "residency.keep: "},
      {"residency { warm_queries: 1000001 }", "residency.warm_queries: "},
      {"log_level: 'loud'", "log_level: "},
  };
  for (const auto& [text, path] : cases) {
    const auto config = CompleteServerConfig(Config(text));
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(config.status().message()), StartsWith(path))
        << text;
  }
  v1::ServerConfig policy = Config("");
  policy.mutable_defaults()->mutable_fusion()->set_policy(
      static_cast<v1::Fusion::Policy>(77));
  EXPECT_THAT(std::string(CompleteServerConfig(policy).status().message()),
              StartsWith("defaults.fusion.policy: "));
  EXPECT_THAT(
      std::string(CompleteServerConfig(v1::ServerConfig()).status().message()),
      StartsWith("bundles: "));
}

}  // namespace
}  // namespace tributary
