package tributary

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// What the defaults are, unless a comment says otherwise.
const (
	// DefaultTimeout limits a whole call, with its retries.
	DefaultTimeout = time.Second
	// DefaultExplainTimeout is that of Explain, which the server gives a minute.
	DefaultExplainTimeout = time.Minute
	// DefaultAttempts is how often a call is tried at most.
	DefaultAttempts = 4
	// DefaultInitialBackoff bounds the pause before the first retry.
	DefaultInitialBackoff = 10 * time.Millisecond
)

const (
	// gRPC's own limit.
	maxAttempts = 5
	// The greatest pause of the published policy.
	maxInitialBackoff = time.Second
)

// publishedConfig is config/service_config.json of the server's source: which
// codes are retried, after which pauses, and when retries stop because too many
// calls fail.
//
//go:embed service_config.json
var publishedConfig []byte

// Criticality says how urgent a call is.
type Criticality string

const (
	// Interactive calls come first. Single calls are interactive by default.
	Interactive Criticality = "interactive"
	// Background calls wait behind the interactive ones, and are refused before
	// them under overload. Batches and streams are of this kind by default.
	Background Criticality = "batch"
)

// criticalityHeader is the metadata that says so.
const criticalityHeader = "x-tributary-criticality"

// TLS says how the connection is encrypted, and who calls. Files are PEM.
type TLS struct {
	// CAFile has the authorities that sign servers' certificates. Empty: those
	// of the machine.
	CAFile string
	// CertificateFile and PrivateKeyFile show the server who calls (mutual
	// TLS). They are read again for each connection, so that they may be
	// renewed. Empty: the client shows no certificate.
	CertificateFile string
	PrivateKeyFile  string
	// ServerName is the name that the server's certificate must have. Empty:
	// the host of the address.
	ServerName string
}

// settings are what the options add up to.
type settings struct {
	call           callSettings
	attempts       int
	initialBackoff time.Duration
	waitForReady   bool
	tls            *tls.Config
	tlsError       error
	token          func(ctx context.Context) (string, error)
}

// callSettings are those that a call may replace.
type callSettings struct {
	timeout     time.Duration
	criticality Criticality
}

// Option is an option of a client, for [NewClient].
type Option interface {
	applyToClient(*settings)
}

// CallOption is an option of one call, or of all calls of a client.
type CallOption interface {
	Option
	applyToCall(*callSettings)
}

type clientOption func(*settings)

func (option clientOption) applyToClient(s *settings) { option(s) }

type callOption func(*callSettings)

func (option callOption) applyToClient(s *settings)   { option(&s.call) }
func (option callOption) applyToCall(c *callSettings) { option(c) }

// WithTimeout limits a whole call: all its attempts and the pauses between
// them. In Stream it is the limit of each thousand requests, in Pages that of
// each page. A context whose deadline is earlier ends the call earlier.
func WithTimeout(timeout time.Duration) CallOption {
	return callOption(func(c *callSettings) { c.timeout = timeout })
}

// WithCriticality says how urgent calls are.
func WithCriticality(criticality Criticality) CallOption {
	return callOption(func(c *callSettings) { c.criticality = criticality })
}

// WithAttempts sets how often a call is tried at most: 1 (no retry) to 5.
func WithAttempts(attempts int) Option {
	return clientOption(func(s *settings) { s.attempts = attempts })
}

// WithInitialBackoff bounds the pause before the first retry, up to 1 s. The
// bound doubles with every retry; each pause is drawn at random below it.
func WithInitialBackoff(bound time.Duration) Option {
	return clientOption(func(s *settings) { s.initialBackoff = bound })
}

// WithWaitForReady says whether a call waits, within its timeout, for a server
// that cannot be reached. True by default; if false, such a call fails at once
// with UNAVAILABLE.
func WithWaitForReady(wait bool) Option {
	return clientOption(func(s *settings) { s.waitForReady = wait })
}

// WithTLS encrypts the connection, and shows the client's certificate if there
// is one.
func WithTLS(files TLS) Option {
	return clientOption(func(s *settings) { s.tls, s.tlsError = files.config() })
}

// WithTLSConfig encrypts the connection as a [tls.Config] says.
func WithTLSConfig(config *tls.Config) Option {
	return clientOption(func(s *settings) { s.tls, s.tlsError = config.Clone(), nil })
}

// WithToken sends a bearer token with every call. It needs TLS, unless the
// server is on this machine.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context) (string, error) { return token, nil })
}

// WithTokenFile sends the first line of a file as a bearer token, and reads it
// for every call, so that the token may be renewed.
func WithTokenFile(path string) Option {
	return WithTokenSource(func(context.Context) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("token file: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		token := strings.TrimSpace(line)
		if token == "" {
			return "", fmt.Errorf("token file: the first line of %s is empty", path)
		}
		return token, nil
	})
}

// WithTokenSource asks a function for the bearer token of each attempt. The
// function may be called by several goroutines at once.
func WithTokenSource(source func(ctx context.Context) (string, error)) Option {
	return clientOption(func(s *settings) { s.token = source })
}

func (files TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: files.ServerName}
	if files.CAFile != "" {
		text, err := os.ReadFile(files.CAFile)
		if err != nil {
			return nil, fmt.Errorf("TLS.CAFile: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("TLS.CAFile: %s has no certificate in PEM", files.CAFile)
		}
	}
	if (files.CertificateFile == "") != (files.PrivateKeyFile == "") {
		return nil, errors.New("TLS: give CertificateFile and PrivateKeyFile, or neither")
	}
	if files.CertificateFile == "" {
		return config, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(files.CertificateFile, files.PrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS.CertificateFile and PrivateKeyFile: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return load()
	}
	return config, nil
}

func (s *settings) check() error {
	if s.tlsError != nil {
		return s.tlsError
	}
	if s.attempts < 1 || s.attempts > maxAttempts {
		return fmt.Errorf("WithAttempts: %d, expected 1 to %d", s.attempts, maxAttempts)
	}
	if s.initialBackoff < time.Millisecond || s.initialBackoff > maxInitialBackoff {
		return fmt.Errorf("WithInitialBackoff: %v, expected 1ms to %v", s.initialBackoff, maxInitialBackoff)
	}
	return s.call.check()
}

func (c *callSettings) check() error {
	if c.timeout <= 0 {
		return fmt.Errorf("WithTimeout: %v, expected more than 0", c.timeout)
	}
	switch c.criticality {
	case "", Interactive, Background:
		return nil
	}
	return fmt.Errorf("WithCriticality: %q, expected %q or %q", c.criticality, Interactive, Background)
}

// serviceConfig is the published retry policy with what the options change.
func (s *settings) serviceConfig() (string, error) {
	var config map[string]any
	if err := json.Unmarshal(publishedConfig, &config); err != nil {
		return "", fmt.Errorf("service_config.json: %w", err)
	}
	method := config["methodConfig"].([]any)[0].(map[string]any)
	method["waitForReady"] = s.waitForReady
	if s.attempts == 1 {
		delete(method, "retryPolicy")
		delete(config, "retryThrottling")
	} else {
		policy := method["retryPolicy"].(map[string]any)
		policy["maxAttempts"] = s.attempts
		policy["initialBackoff"] = fmt.Sprintf("%.3fs", s.initialBackoff.Seconds())
	}
	text, err := json.Marshal(config)
	return string(text), err
}
