package tributary_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	tributary "tributary.dev/client/go"
	pb "tributary.dev/client/go/tributarypb"
)

func ExampleClient_Retrieve() {
	client, err := tributary.NewClient("localhost:7700", tributary.WithTimeout(200*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	response, err := client.Retrieve(context.Background(), &pb.RetrieveRequest{
		User: &pb.RetrieveRequest_UserKey{UserKey: "nginx"},
		K:    20,
	})
	if err != nil {
		log.Fatal(err)
	}
	candidates, err := tributary.Candidates(response)
	if err != nil {
		log.Fatal(err)
	}
	for _, candidate := range candidates {
		fmt.Println(candidate.Key, candidate.Score)
	}
}

func ExampleClient_Stream() {
	client, err := tributary.NewClient("localhost:7700")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	users := []string{"nginx", "apache2"}
	requests := make([]*pb.RetrieveRequest, len(users))
	for i, user := range users {
		requests[i] = &pb.RetrieveRequest{User: &pb.RetrieveRequest_UserKey{UserKey: user}, K: 100}
	}
	stream := client.Stream(context.Background(), requests)
	defer stream.Close()
	for stream.Next() {
		if result := stream.Result(); result.Err != nil {
			fmt.Println(users[stream.Index()], result.Err)
		} else {
			fmt.Println(users[stream.Index()], len(result.Response.GetScores()))
		}
	}
	if stream.Err() != nil {
		log.Fatal(stream.Err())
	}
}

func ExampleError() {
	client, err := tributary.NewClient("localhost:7700")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.Retrieve(context.Background(), &pb.RetrieveRequest{K: 1 << 30})
	var failed *tributary.Error
	if errors.As(err, &failed) {
		for _, violation := range failed.FieldViolations {
			fmt.Printf("%s: %s\n", violation.Field, violation.Description)
		}
	}
}
