// GetItem through the AWS SDK for JavaScript: endpoint, slots, operations to warm up with (within 5 s) and measured seconds in argv;
// one JSON object on stdout.
const { DynamoDBClient, GetItemCommand } = require("@aws-sdk/client-dynamodb");
const { NodeHttpHandler } = require("@smithy/node-http-handler");
const { Agent } = require("node:http");

const [endpoint, slots, warmUpOperations, measuredS] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const client = new DynamoDBClient({
  endpoint, region: "us-east-1", maxAttempts: 1, credentials: { accessKeyId: "local", secretAccessKey: "local" },
  requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: slots }) }),
});
let number = 0;

async function run(seconds, most = Infinity) {
  const end = performance.now() + seconds * 1000;
  let operations = 0;
  const slot = async () => {
    while (performance.now() < end && operations < most) {
      number = (number + 1) % 1000;
      const pk = { S: "k" + String(number).padStart(4, "0") };
      const answer = await client.send(new GetItemCommand({ TableName: "bench", Key: { pk } }));
      if (!answer.Item) throw new Error("no item");
      operations += 1;
    }
  };
  await Promise.all(Array.from({ length: slots }, slot));
  return operations;
}

(async () => {
  await run(5, warmUpOperations);
  const cpu = process.cpuUsage();
  const began = performance.now();
  const operations = await run(measuredS);
  const spent = process.cpuUsage(cpu);
  const wall = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ operations, cpu_s: (spent.user + spent.system) / 1e6, wall_s: wall }));
  client.destroy();
})();
