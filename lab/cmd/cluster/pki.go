package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const validity = 10 * 365 * 24 * time.Hour

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// pki writes what a cluster needs to trust itself: pki DIRECTORY [NAME-OR-ADDRESS...] (of the API server).
func pki(arguments []string) int {
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, "usage: cluster pki DIRECTORY [NAME-OR-ADDRESS...]")
		return 2
	}
	if err := writeAll(arguments[0], arguments[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func writeAll(directory string, hosts []string) error {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	cluster, err := newAuthority(directory, "ca", "berth lab")
	if err != nil {
		return err
	}
	// Requests that the API server passes on to an extension server are trusted by an authority of their own, as Kubernetes advises.
	front, err := newAuthority(directory, "front-ca", "berth lab front proxy")
	if err != nil {
		return err
	}
	if err := cluster.issue(directory, "apiserver", pkix.Name{CommonName: "kube-apiserver"}, hosts); err != nil {
		return err
	}
	kubelet := pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}}
	if err := cluster.issue(directory, "kubelet-client", kubelet, nil); err != nil {
		return err
	}
	if err := front.issue(directory, "front-client", pkix.Name{CommonName: "front-proxy-client"}, nil); err != nil {
		return err
	}
	// The key that signs the tokens of ServiceAccounts.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return writeKey(filepath.Join(directory, "sa.key"), key)
}

func newAuthority(directory, name, commonName string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key}, writeCertificate(filepath.Join(directory, name+".crt"), der)
}

func (a *authority) issue(directory, name string, subject pkix.Name, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(directory, name+".key"), key); err != nil {
		return err
	}
	return writeCertificate(filepath.Join(directory, name+".crt"), der)
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	return number
}

func writeCertificate(path string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
