// Package s3store keeps blocks in S3 and in servers with its protocol: MinIO, Ceph, Cloudflare R2, the versity gateway. A created
// object is whole and durable, and never replaces another, even if several captures write the same name at once. A create that
// fails leaves nothing behind that could be seen or that costs money.
//
//	content → digest → PutObject, or parts and CompleteMultipartUpload, both with If-None-Match: * → look, if the answer leaves doubt
//
// A refused write often arrives as a broken connection, and an answer can be lost after the object was made. So each object
// carries the SHA-256 of its content and the attributes of its block as metadata (x-amz-meta-jetcapture-sha256,
// x-amz-meta-first-seq, …), and Create looks at them before it returns.
//
//	lake, err := store.Open(ctx, "s3://my-lake/orders?region=eu-central-1", s3store.Driver())
//	if err != nil {
//		return err
//	}
//	if err := store.Probe(ctx, lake); err != nil { // does it exist, can it be written, does it never overwrite?
//		return err
//	}
//	options.Store = store.Blocks[string](lake, nil)
//
// # URLs
//
//	s3://bucket/prefix?region=eu-central-1
//	s3://bucket/prefix?endpoint=https://minio.example.com:9000&path_style=true
//
//	region         of the bucket; else AWS_REGION or the region of the profile, and us-east-1 with an endpoint
//	endpoint       URL of a server other than AWS; else AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
//	path_style     true: the bucket in the path, not in the host
//	profile        of ~/.aws/config and ~/.aws/credentials; else AWS_PROFILE
//	sse            AES256, aws:kms or aws:kms:dsse; else the default of the bucket
//	kms_key_id     a key, an alias or an ARN, for aws:kms, which it implies
//	storage_class  such as STANDARD_IA or INTELLIGENT_TIERING
//	checksum       crc32 (the default), crc32c, crc64nvme, sha256; for old servers md5 or none
//	part_size      bytes, or as in 16MiB, the default; larger objects are sent in parts
//	parallel       parts at a time, 4 by default
//	unconditional  true: for servers without conditional writes, see below
//
// Unknown parameters are refused, and so is a user in the URL. [Options] has more settings, such as tags. ACLs are not set.
//
// # Credentials and permissions
//
// Credentials are found as in all programs with the AWS SDK: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
// the profile, with SSO and assumed roles; web identities, as in Kubernetes; containers; instances. Credentials that
// expire are renewed. They never appear in a URL, an error or a log.
//
// To write, a capture needs s3:PutObject, s3:GetObject, s3:ListBucket (without it S3 answers 403 for a missing object) and
// s3:AbortMultipartUpload; s3:PutObjectTagging for tags; kms:GenerateDataKey and kms:Decrypt for a KMS key; and
// s3:DeleteObject only so that a probe can remove its object.
//
// An upload that fails midway is aborted, which takes up to 10 s after the context has ended. A capture that crashes in the middle
// of an upload cannot abort it: give the bucket a lifecycle rule AbortIncompleteMultipartUpload of a day or two, or the parts stay
// stored, and invisible, permanently.
//
// # Servers
//
// All promises depend on conditional writes. AWS has them since 2024, for CompleteMultipartUpload too, and so have
// R2, current MinIO and the versity gateway. Backblaze B2 and Alibaba OSS refuse the condition with 501: unconditional=true
// checks whether a name is taken and then writes, which is enough for delivery at least once and never for exactly once.
// gofakes3 and some others ignore the condition when a multipart upload is completed, and SeaweedFS lets writers race
// before the spring of 2026. store.Probe detects servers that ignore the condition, but not those that race.
//
// Limits: objects of up to 10,000 parts, which grow beyond part_size when needed; prefix and name together at most 1,024
// bytes; directory buckets (S3 Express) cannot be listed, since they do not list in order.
package s3store
