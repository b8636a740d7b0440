"""Transactions are all or none, say why not, and are carried out once."""

import orjson
import pytest

from harness.local.dynamodb.service import Service

TABLE = "accounts"
FAILED = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
NONE = {"Code": "None"}
RICH = {"ConditionExpression": "balance >= :least", "ExpressionAttributeValues": {":least": {"N": "100"}}}


class Bank:
    """A twin with a table, its clock in the test's hand."""

    def __init__(self, **throughput):
        self.now_s = 0.0
        self.service = Service(clock_s=lambda: self.now_s, epoch_s=lambda: 1_800_000_000.0)
        billing = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput} if throughput else {}
        self.ask(
            "CreateTable",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            **(billing or {"BillingMode": "PAY_PER_REQUEST"}),
        )

    def raw(self, operation, **request):
        status, body = self.service.answer(b"DynamoDB_20120810." + operation.encode(), orjson.dumps(request))
        return status, orjson.loads(body)

    def ask(self, operation, **request):
        status, body = self.raw(operation, TableName=TABLE, **request)
        assert status == 200, body
        return body

    def put(self, name, balance):
        self.ask("PutItem", Item={"id": {"S": name}, "balance": {"N": str(balance)}})

    def balances(self):
        return {item["id"]["S"]: int(item["balance"]["N"]) for item in self.ask("Scan")["Items"]}

    def transact(self, *actions, **request):
        return self.raw("TransactWriteItems", TransactItems=list(actions), **request)

    def consumed(self):
        return self.service.state()["tables"][TABLE]["meters"]["table"]["write"]["consumed_units"]


def add(name, amount, **request):
    values = {":amount": {"N": str(amount)}} | request.pop("ExpressionAttributeValues", {})
    update = {"UpdateExpression": "SET balance = balance + :amount", "ExpressionAttributeValues": values}
    return {"Update": {"TableName": TABLE, "Key": {"id": {"S": name}}} | update | request}


def open_account(name):
    item = {"id": {"S": name}, "balance": {"N": "0"}}
    return {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}}


@pytest.fixture
def bank():
    bank = Bank()
    bank.put("ann", 150)
    bank.put("bob", 20)
    return bank


def test_all_of_it_is_done_where_every_condition_holds(bank):
    """A transfer, a new account, a closed one, a check."""
    bank.put("old", 0)
    status, body = bank.transact(
        add("ann", -100, **RICH),
        add("bob", 100),
        open_account("cy"),
        {"Delete": {"TableName": TABLE, "Key": {"id": {"S": "old"}}}},
    )
    assert (status, body) == (200, {})
    assert bank.balances() == {"ann": 50, "bob": 120, "cy": 0}


def test_none_of_it_is_done_where_one_condition_fails_and_each_action_is_told_its_reason(bank):
    """The second of three; the first would have been done."""
    before = bank.balances()
    status, body = bank.transact(add("ann", -100), add("bob", -100, **RICH), open_account("cy"))
    assert status == 400
    assert body["__type"].endswith("#TransactionCanceledException")
    assert body["CancellationReasons"] == [NONE, FAILED, NONE]
    assert body["Message"].endswith("[None, ConditionalCheckFailed, None]")
    assert bank.balances() == before


def test_a_failed_check_shows_the_item_where_that_is_asked_for(bank):
    """Beside its reason; a check changes nothing itself."""
    check = {"TableName": TABLE, "Key": {"id": {"S": "bob"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"} | RICH
    _, body = bank.transact(add("ann", 1), {"ConditionCheck": check})
    assert body["CancellationReasons"] == [NONE, FAILED | {"Item": {"id": {"S": "bob"}, "balance": {"N": "20"}}}]


def test_an_update_that_cannot_be_made_cancels_it(bank):
    """Nobody to add to: a validation error is that action's reason."""
    _, body = bank.transact(add("ann", -100), add("nobody", 100))
    assert [reason["Code"] for reason in body["CancellationReasons"]] == ["None", "ValidationError"]
    assert bank.balances()["ann"] == 150


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ([open_account("x"), add("x", 1)], "cannot include multiple operations on one item"),
        ([open_account("x")] * 101, "Member must have length less than or equal to 100"),
        ([], "Member must have length greater than or equal to 1"),
        ([{}], "only contain one of"),
        ([open_account("x") | add("y", 1)], "only contain one of"),
        ([{"Put": {"TableName": TABLE, "Item": {"id": {"S": f"{n}"}, "v": {"S": "x" * 400_000}}}} for n in range(11)],
         "Collection size has exceeded"),
    ],
)  # fmt: skip
def test_what_is_no_transaction_is_refused_before_anything_is_done(bank, actions, says):
    """A validation error of the whole request, without reasons."""
    status, body = bank.transact(*actions)
    assert status == 400 and "CancellationReasons" not in body
    assert says in body["message"]
    assert bank.balances() == {"ann": 150, "bob": 20}


def test_a_token_makes_it_happen_once_for_ten_minutes(bank):
    """Asked again within them it is answered alike and not done; afterwards it is done again."""
    for moment_s, balance in ((0, 160), (599, 160), (601, 170)):
        bank.now_s = moment_s
        assert bank.transact(add("ann", 10), ClientRequestToken="once")[0] == 200
        assert bank.balances()["ann"] == balance


def test_a_token_on_another_request_is_refused(bank):
    """The first one stays done; the order of an object's members is nothing."""
    bank.transact(add("ann", 10), ClientRequestToken="once")
    status, body = bank.transact(add("ann", 11), ClientRequestToken="once")
    assert status == 400 and body["__type"].endswith("#IdempotentParameterMismatchException")
    turned = {"Update": dict(reversed(add("ann", 10)["Update"].items()))}
    assert bank.transact(turned, ClientRequestToken="once")[0] == 200
    assert bank.balances()["ann"] == 160


def test_a_cancelled_one_leaves_its_token_free(bank):
    """It may be tried again, and then happens."""
    assert bank.transact(add("bob", -100, **RICH), ClientRequestToken="again")[0] == 400
    bank.put("bob", 300)
    assert bank.transact(add("bob", -100, **RICH), ClientRequestToken="again")[0] == 200
    assert bank.balances()["bob"] == 200


def test_what_a_cancelled_one_consumes_is_what_its_writes_would_have(bank):
    """Two items of less than 1 KB: 2 units each in a transaction (A13), done or not."""
    began = bank.consumed()
    bank.transact(add("ann", 1), add("bob", 1))
    assert bank.consumed() - began == 4
    bank.transact(add("ann", 1), add("bob", 1, **RICH))
    assert bank.consumed() - began == 8


def test_a_throttled_action_cancels_it_and_says_so():
    """One unit a second keeps 300: 150 writes of two units empty the store."""
    bank = Bank(ReadCapacityUnits=100, WriteCapacityUnits=1)
    bank.put("ann", 0)
    answers = [bank.transact(add("ann", 1)) for _ in range(160)]
    statuses = [status for status, _ in answers]
    done = statuses.index(400)
    assert done == 150  # the put took the first unit, so 299 are left: 149 take 298, the 150th overdraws
    assert answers[done][1]["CancellationReasons"][0]["Code"] == "ProvisionedThroughputExceeded"
    assert bank.balances() == {"ann": 150}


def test_reads_are_of_one_moment_and_a_missing_item_is_an_empty_one(bank):
    """In the order of asking."""
    gets = [{"Get": {"TableName": TABLE, "Key": {"id": {"S": name}}}} for name in ("bob", "nobody", "ann")]
    gets[2]["Get"] |= {"ProjectionExpression": "balance"}
    status, body = bank.raw("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity="TOTAL")
    assert status == 200
    found = [{"Item": {"id": {"S": "bob"}, "balance": {"N": "20"}}}, {}, {"Item": {"balance": {"N": "150"}}}]
    assert body["Responses"] == found
    assert body["ConsumedCapacity"] == [{"TableName": TABLE, "CapacityUnits": 6, "ReadCapacityUnits": 6}]


def test_a_key_that_does_not_fit_cancels_a_read_and_the_same_item_twice_is_refused(bank):
    """The one with a reason, the other as a whole."""
    good = {"Get": {"TableName": TABLE, "Key": {"id": {"S": "ann"}}}}
    wrong = {"Get": {"TableName": TABLE, "Key": {"other": {"S": "ann"}}}}
    _, body = bank.raw("TransactGetItems", TransactItems=[good, wrong])
    assert [reason["Code"] for reason in body["CancellationReasons"]] == ["None", "ValidationError"]
    status, body = bank.raw("TransactGetItems", TransactItems=[good, good])
    assert status == 400 and "multiple operations on one item" in body["message"]
