// Package tributary is the Go client of Tributary, the retrieval stage of a
// recommender: which items might this user want?
//
//	client, err := tributary.NewClient("localhost:7700")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	response, err := client.Retrieve(ctx, &pb.RetrieveRequest{
//		User: &pb.RetrieveRequest_UserKey{UserKey: "nginx"},
//		K:    20,
//	})
//
// Requests and replies are the messages of package tributarypb, which is
// generated from the protos. A reply holds columns; [Candidates] makes rows of
// them. A call that fails returns an [*Error], which errors.As finds: it has
// the code, the fields that are wrong, and when to try again.
package tributary
