// Package s3store keeps blocks in S3 and what speaks its protocol: MinIO, Ceph, Cloudflare R2, the versity gateway. An object
// that was created is whole, durable and was never there before, even if several captures wrote the same name at once; one
// that was not created leaves nothing behind, neither to be seen nor to be paid for.
//
//	content → digest → PutObject, or parts and CompleteMultipartUpload, both with If-None-Match: * → look, if the answer leaves doubt
//
// A refused write often arrives as a broken connection, and an answer can be lost after the object was made. So each object
// carries the SHA-256 of its content and the attributes of its block as metadata (x-amz-meta-jetcapture-sha256,
// x-amz-meta-first-seq, …), and Create looks there before it says what happened.
//
//	lake, err := store.Open(ctx, "s3://my-lake/orders?region=eu-central-1", s3store.Driver())
//	if err != nil {
//		return err
//	}
//	if err := store.Probe(ctx, lake); err != nil { // does it exist, may it be written, does it never overwrite?
//		return err
//	}
//	options.Store = store.Blocks[string](lake, nil)
//
// # URLs
//
//	s3://bucket/prefix?region=eu-central-1
//	s3://bucket/prefix?endpoint=https://minio.example.com:9000&path_style=true
//
//	region         of the bucket; else AWS_REGION or that of the profile, and us-east-1 with an endpoint
//	endpoint       URL of a server other than AWS; else AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
//	path_style     true: the bucket in the path, not in the host
//	profile        of ~/.aws/config and ~/.aws/credentials; else AWS_PROFILE
//	sse            AES256, aws:kms or aws:kms:dsse; else what the bucket does by itself
//	kms_key_id     a key, an alias or an ARN, for aws:kms, which it implies
//	storage_class  such as STANDARD_IA or INTELLIGENT_TIERING
//	checksum       crc32 (the default), crc32c, crc64nvme, sha256; for old servers md5 or none
//	part_size      bytes, or as in 16MiB, the default; larger objects are sent in parts
//	parallel       parts at a time, 4 by default
//	unconditional  true: for servers without conditional writes, see below
//
// Unknown ones are refused, and so is a user in the URL. [Options] can say more, such as tags. ACLs are left alone.
//
// # Credentials and permissions
//
// Credentials are found as by all programs of the AWS SDK: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
// the profile, with SSO and assumed roles; web identities, as in Kubernetes; containers; instances. Those that expire are
// renewed by themselves. They never stand in a URL, an error or a log.
//
// To write, a capture needs s3:PutObject, s3:GetObject, s3:ListBucket (without it S3 answers 403 for what is not there) and
// s3:AbortMultipartUpload; s3:PutObjectTagging for tags; kms:GenerateDataKey and kms:Decrypt for a KMS key; and
// s3:DeleteObject only so that a probe can remove its object.
//
// What fails midway is aborted, for up to 10 s even though the context has ended. A capture that crashes in the middle of
// an upload cannot do that: give the bucket a lifecycle rule AbortIncompleteMultipartUpload of a day or two, or its parts
// are stored, invisibly, for ever.
//
// # Servers
//
// Conditional writes are what all promises stand on. AWS has them since 2024, for CompleteMultipartUpload too, and so have
// R2, current MinIO and the versity gateway. Backblaze B2 and Alibaba OSS refuse the condition with 501: unconditional=true
// looks whether a name is taken and then writes, which is enough for delivery at least once and never for exactly once.
// gofakes3 and some others ignore the condition when a multipart upload is completed, and SeaweedFS lets writers race
// before the spring of 2026. store.Probe finds those that ignore it, though not those that race.
//
// Limits: objects of up to 10,000 parts, which grow beyond part_size when needed; prefix and name together at most 1,024
// bytes; directory buckets (S3 Express) cannot be listed, as they have no order.
package s3store
