// One round of the AWS SDK for JavaScript against the endpoint in argv[2]: what it saw, as one JSON object.
const {
  BatchWriteItemCommand, CreateTableCommand, DeleteTableCommand, DynamoDBClient, ListTablesCommand, PutItemCommand,
  QueryCommand, ScanCommand, waitUntilTableExists,
} = require("@aws-sdk/client-dynamodb");

const TableName = "round-js";
const MOST_SCANS = 6;

async function round(client) {
  const seen = {};
  await client.send(new CreateTableCommand({
    TableName,
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }, { AttributeName: "sk", AttributeType: "N" }],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }],
    ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 10 },
  }));
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });

  for (const sk of ["10", "9", "-1"]) {
    await client.send(new PutItemCommand({ TableName, Item: { pk: { S: "small" }, sk: { N: sk } } }));
  }
  const big = ["1", "2", "3"].map((sk) => (
    { PutRequest: { Item: { pk: { S: "big" }, sk: { N: sk }, payload: { S: "x".repeat(350 * 1024) } } } }
  ));
  const written = await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: big } }));
  seen.unprocessed = Object.keys(written.UnprocessedItems).length;

  const queried = await client.send(new QueryCommand({
    TableName,
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": { S: "small" } },
    ReturnConsumedCapacity: "TOTAL",
  }));
  seen.queried = queried.Items.map((item) => item.sk.N);
  seen.query_units = queried.ConsumedCapacity.CapacityUnits;

  seen.scanned = 0;
  let start;
  do {
    const page = await client.send(new ScanCommand({ TableName, ExclusiveStartKey: start, ProjectionExpression: "pk" }));
    seen.scanned += page.Count;
    start = page.LastEvaluatedKey;
  } while (start);

  for (let scan = 0; scan < MOST_SCANS && !seen.throttled; scan += 1) {
    try {
      await client.send(new ScanCommand({ TableName, ConsistentRead: true, Select: "COUNT" }));
    } catch (error) {
      seen.throttled = error.name;
      seen.attempts = error.$metadata.attempts;
    }
  }

  await client.send(new DeleteTableCommand({ TableName }));
  seen.left = (await client.send(new ListTablesCommand({}))).TableNames.includes(TableName);
  return seen;
}

const client = new DynamoDBClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1, // its own retries would hide throttling
});
round(client).then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => { console.error(error); process.exitCode = 1; },
);
