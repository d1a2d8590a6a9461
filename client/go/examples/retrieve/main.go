// Retrieve prints a user's candidates: go run ./examples/retrieve USER [ADDRESS]
package main

import (
	"context"
	"fmt"
	"os"

	tributary "tributary.dev/client/go"
	pb "tributary.dev/client/go/tributarypb"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: retrieve USER [HOST:PORT | unix:PATH]")
		os.Exit(2)
	}
	address := "localhost:7700"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	if err := run(os.Args[1], address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(user, address string) error {
	client, err := tributary.NewClient(address)
	if err != nil {
		return err
	}
	defer client.Close()
	response, err := client.Retrieve(context.Background(), &pb.RetrieveRequest{
		User: &pb.RetrieveRequest_UserKey{UserKey: user},
		K:    20,
	})
	if err != nil {
		return err
	}
	candidates, err := tributary.Candidates(response)
	if err != nil {
		return err
	}
	for _, candidate := range candidates {
		fmt.Printf("%-40s %8.4f ", candidate.Key, candidate.Score)
		for _, proposal := range candidate.Proposals {
			fmt.Print(" ", proposal.Source)
		}
		fmt.Println()
	}
	return nil
}
