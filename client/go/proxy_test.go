package tributary_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// proxy stands in front of a server, as a mesh's does: it ends TLS, hands calls
// on as they are, and remembers their metadata.
type proxy struct {
	address string
	target  *grpc.ClientConn
	mutex   sync.Mutex
	calls   []metadata.MD
}

// frame is a message that nobody parses.
type frame struct{ bytes []byte }

type frameCodec struct{}

func (frameCodec) Name() string { return "proto" }

func (frameCodec) Marshal(message any) ([]byte, error) { return message.(*frame).bytes, nil }

func (frameCodec) Unmarshal(bytes []byte, message any) error {
	message.(*frame).bytes = append([]byte(nil), bytes...)
	return nil
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	target, err := grpc.NewClient(server, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.ForceCodec(frameCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String(), target: target}
	front := grpc.NewServer(grpc.ForceServerCodec(frameCodec{}), grpc.UnknownServiceHandler(p.forward))
	go front.Serve(listener)
	t.Cleanup(func() {
		front.Stop()
		target.Close()
	})
	return p
}

func (p *proxy) forward(_ any, from grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(from)
	given, _ := metadata.FromIncomingContext(from.Context())
	p.mutex.Lock()
	p.calls = append(p.calls, given)
	p.mutex.Unlock()
	ctx, cancel := context.WithCancel(from.Context())
	defer cancel()
	to, err := p.target.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	request := &frame{}
	if err := from.RecvMsg(request); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if err := to.SendMsg(request); err == nil {
		err = to.CloseSend()
		if err != nil {
			return err
		}
	}
	for {
		reply := &frame{}
		if err := to.RecvMsg(reply); err != nil {
			from.SetTrailer(to.Trailer())
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := from.SendMsg(reply); err != nil {
			return err
		}
	}
}

// count is how many calls came.
func (p *proxy) count() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.calls)
}

// header is what the calls gave under a name.
func (p *proxy) header(name string) []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var values []string
	for _, call := range p.calls {
		values = append(values, call.Get(name)...)
	}
	return values
}

// authority signs certificates.
type authority struct {
	file        string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func makeAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, file, "CERTIFICATE", der)
	return &authority{file, certificate, key}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue makes a certificate for 127.0.0.1, and returns its files.
func (a *authority) issue(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	writePEM(t, certificate, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", private)
	return certificate, key
}
