#include "tests/cli/brokers/message_brokers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "tests/index/bundle/tiny_bundle.h"
#ifdef TRIBUTARY_HAS_KAFKA
#include <librdkafka/rdkafka.h>
#endif

namespace tributary {
namespace {

namespace fs = std::filesystem;

// One that nobody listens on, but for somebody who is very quick.
uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

[[maybe_unused]] bool IsThere(const std::string& program) {
  return RunProgram({"sh", "-c", "command -v " + program}).exit_status == 0;
}

#ifdef TRIBUTARY_HAS_REDIS
class Redis : public MessageBroker {
 public:
  Redis() { Start(); }

  std::string Address(const std::string& name) const override {
    return fmt::format("redis://127.0.0.1:{}/{}", port_, name);
  }
  void Add(const std::string& name,
           const std::vector<std::string>& messages) override {
    std::string commands;
    const auto word = [&](const std::string& text) {
      commands += fmt::format("${}\r\n{}\r\n", text.size(), text);
    };
    for (const std::string& message : messages) {
      commands += "*5\r\n";
      for (const std::string& text :
           {std::string("XADD"), name, std::string("*"), std::string("change"),
            message}) {
        word(text);
      }
    }
    OverwriteFile(dir_ / "commands", commands);
    const Outcome added =
        RunProgram({"sh", "-c",
                    fmt::format("redis-cli -p {} --pipe < '{}'", port_,
                                (dir_ / "commands").native())});
    ASSERT_EQ(added.exit_status, 0) << added.output;
    ASSERT_NE(added.output.find("errors: 0"), std::string::npos)
        << added.output;
  }
  void Restart() override {
    server_->Signal(SIGKILL);
    server_->Wait();
    Start();
  }

 private:
  void Start() {
    server_ = std::make_unique<Process>(std::vector<std::string>{
        "redis-server", "--port", fmt::to_string(port_), "--bind", "127.0.0.1",
        "--dir", dir_.native(), "--save", "", "--appendonly", "yes",
        "--appendfsync", "always"});
    ASSERT_TRUE(server_->WaitFor("Ready to accept").has_value())
        << server_->Output();
  }

  const uint16_t port_ = FreePort();
  const fs::path dir_ = MakeTestDir();
  std::unique_ptr<Process> server_;
};
#endif

#ifdef TRIBUTARY_HAS_KAFKA
// One node, which is broker and controller.
class Kafka : public MessageBroker {
 public:
  Kafka() {
    OverwriteFile(
        dir_ / "server.properties",
        fmt::format("process.roles=broker,controller\n"
                    "node.id=1\n"
                    "controller.quorum.voters=1@127.0.0.1:{1}\n"
                    "listeners=PLAINTEXT://127.0.0.1:{0},"
                    "CONTROLLER://127.0.0.1:{1}\n"
                    "controller.listener.names=CONTROLLER\n"
                    "inter.broker.listener.name=PLAINTEXT\n"
                    "log.dirs={2}\n"
                    "offsets.topic.replication.factor=1\n"
                    "offsets.topic.num.partitions=1\n"
                    "group.initial.rebalance.delay.ms=0\n"
                    "num.partitions=3\n",
                    port_, controller_port_, (dir_ / "data").native()));
    const Outcome formatted = RunProgram(
        Java({"kafka.tools.StorageTool", "format", "-t",
              "MkU3OEVBNTcwNTJENDM2Qg", "-c", dir_ / "server.properties"}));
    EXPECT_EQ(formatted.exit_status, 0) << formatted.output;
    Start();
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers",
                      fmt::format("127.0.0.1:{}", port_).c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "linger.ms", "1", nullptr, 0);
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  }
  ~Kafka() override { rd_kafka_destroy(producer_); }

  std::string Address(const std::string& name) const override {
    return fmt::format("kafka://127.0.0.1:{}/{}", port_, name);
  }
  // All go to one partition: across partitions there is no order.
  void Add(const std::string& name,
           const std::vector<std::string>& messages) override {
    for (const std::string& message : messages) {
      const rd_kafka_resp_err_t error = rd_kafka_producev(
          producer_, RD_KAFKA_V_TOPIC(name.c_str()), RD_KAFKA_V_PARTITION(1),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_VALUE(const_cast<char*>(message.data()), message.size()),
          RD_KAFKA_V_END);
      ASSERT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(error);
    }
    ASSERT_EQ(rd_kafka_flush(producer_, 60'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void Restart() override {
    server_->Signal(SIGKILL);
    server_->Wait();
    Start();
  }

 private:
  static std::vector<std::string> Java(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-cp",
                      std::string(TRIBUTARY_KAFKA_JARS) + "/*"});
    return arguments;
  }
  void Start() {
    server_ = std::make_unique<Process>(
        Java({"kafka.Kafka", dir_ / "server.properties"}));
    ASSERT_TRUE(server_->WaitFor("Kafka Server started").has_value())
        << server_->Output();
  }

  const uint16_t port_ = FreePort();
  const uint16_t controller_port_ = FreePort();
  const fs::path dir_ = MakeTestDir();
  std::unique_ptr<Process> server_;
  rd_kafka_t* producer_ = nullptr;
};
#endif

}  // namespace

std::unique_ptr<MessageBroker> StartRedis(std::string* why) {
#ifdef TRIBUTARY_HAS_REDIS
  if (IsThere("redis-server") && IsThere("redis-cli")) {
    return std::make_unique<Redis>();
  }
  *why = "needs redis-server: make deps-test";
#else
  *why = "needs libhiredis-dev when it is built: make deps-test";
#endif
  return nullptr;
}

std::unique_ptr<MessageBroker> StartKafka(std::string* why) {
#ifdef TRIBUTARY_HAS_KAFKA
  if (IsThere("java") && fs::exists(TRIBUTARY_KAFKA_JARS)) {
    return std::make_unique<Kafka>();
  }
  *why = "needs Kafka: make deps-kafka";
#else
  *why = "needs librdkafka-dev when it is built: make deps-test";
#endif
  return nullptr;
}

}  // namespace tributary
