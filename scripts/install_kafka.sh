#!/bin/sh
# Puts the jars of a Kafka broker, and all that they need, into the directory:
#   install_kafka.sh build/kafka
# They come from Maven Central, in pinned versions; about 40 MB. Does nothing
# when they are there.
set -eu

to=${1:?usage: install_kafka.sh DIRECTORY}
kafka=4.0.0
[ ! -e "$to/kafka_2.13-$kafka.jar" ] || exit 0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.tributary</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$kafka</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B -f "$scratch/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$scratch/jars"
mkdir -p "$(dirname "$to")"
rm -rf "$to"
mv "$scratch/jars" "$to"
