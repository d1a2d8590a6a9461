package tributary_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tributary "tributary.dev/client/go"
)

// firstItem is the least key of the catalogue: one that no float64 holds.
const firstItem = uint64(1)<<63 + 1

// binaries has the programs; the tests that need them skip themselves without.
var binaries = os.Getenv("TRIBUTARY_BIN_DIR")

// bundles is a directory with a bundle, which TestMain builds once.
var bundles string

// longWait is how long a test waits on a busy machine.
const longWait = 60 * time.Second

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if binaries == "" {
			fmt.Println("TRIBUTARY_BIN_DIR is not set: what needs a server is skipped.")
			return m.Run()
		}
		folder, err := os.MkdirTemp("", "tributary-go-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder)
		if err := buildBundle(folder); err != nil {
			fmt.Println(err)
			return 1
		}
		bundles = filepath.Join(folder, "bundles")
		return m.Run()
	}())
}

// buildBundle makes folder/bundles/1 with the command line: 60 users, each of
// whom likes the items of one of five kinds.
func buildBundle(folder string) error {
	var table strings.Builder
	table.WriteString("user,item,timestamp\n")
	for user := 0; user < 60; user++ {
		for i := 0; i < 20; i++ {
			item := firstItem + uint64((user%5+5*(i*(user+3)%60))%300)
			fmt.Fprintf(&table, "u%d,%d,%d\n", user, item, 1700000000+user*1000+i)
		}
	}
	data := filepath.Join(folder, "interactions.csv")
	if err := os.WriteFile(data, []byte(table.String()), 0o600); err != nil {
		return err
	}
	build := exec.Command(filepath.Join(binaries, "tributary"), "build",
		"--data", "csv:"+data, "--out", filepath.Join(folder, "bundles"), "--validation_share", "0",
		"--als.dim", "8", "--behavior.history.dim", "8", "--behavior.history.epochs", "2",
		"--content.dim", "16", "--threads", "1")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("tributary build: %w\n%s", err, output)
	}
	return nil
}

// server is a running tributary-server.
type server struct {
	address string
	process *exec.Cmd
}

// startServer starts a server on the bundle, and stops it after the test.
func startServer(t testing.TB) *server {
	t.Helper()
	return startServerOn(t, bundles, "127.0.0.1:0")
}

// startEncryptedServer starts a server that asks clients for a certificate of
// the authority and for one of the tokens.
func startEncryptedServer(t *testing.T, authority *authority, tokens ...string) *server {
	t.Helper()
	certificate, key := authority.issue(t, "server")
	folder := t.TempDir()
	lines := ""
	for i, token := range tokens {
		lines += fmt.Sprintf("token%d %x\n", i, sha256.Sum256([]byte(token)))
	}
	file, config := filepath.Join(folder, "tokens"), filepath.Join(folder, "server.yaml")
	for name, text := range map[string]string{
		file: lines,
		config: fmt.Sprintf("tls: {certificate_file: %s, private_key_file: %s, client_ca_file: %s, require_client_certificate: true}\n"+
			"access: {tokens_file: %s, grants: [{who: [\"token:*\"], roles: [retrieve]}]}\n", certificate, key, authority.file, file),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startServerOn(t, bundles, "127.0.0.1:0", "--config", config)
}

// startServerOn starts a server on a directory of bundles, at an address.
func startServerOn(t testing.TB, bundles, address string, flags ...string) *server {
	t.Helper()
	if binaries == "" {
		t.Skip("TRIBUTARY_BIN_DIR is not set: it names the directory of tributary-server")
	}
	socket := filepath.Join(t.TempDir(), "control.sock")
	s := &server{process: exec.Command(filepath.Join(binaries, "tributary-server"),
		append(flags, "--bundles", bundles, "--listen", address,
			"--http", "off", "--admin", "off", "--control", "unix:"+socket)...)}
	log := &logBuffer{}
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = s.process.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = s.process.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	listening := regexp.MustCompile(`event=listening grpc=(\S+)`)
	for end := time.After(longWait); ; {
		if found := listening.FindStringSubmatch(log.String()); found != nil {
			s.address = found[1]
			return s
		}
		select {
		case <-ended:
			t.Fatalf("the server has ended:\n%s", log)
		case <-end:
			t.Fatalf("the server does not listen:\n%s", log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// logBuffer holds what a process has written.
type logBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// connect returns a client that gives a busy machine time.
func connect(t testing.TB, address string, options ...tributary.Option) *tributary.Client {
	t.Helper()
	client, err := tributary.NewClient(address,
		append([]tributary.Option{tributary.WithTimeout(longWait)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// freePort is one that nobody listens on just now.
func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func background() context.Context { return context.Background() }
