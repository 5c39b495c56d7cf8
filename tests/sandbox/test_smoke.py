from __future__ import annotations

from tests.sandbox.world import MESSAGE, PASSPHRASE, submission_client

from panel import maildrop


def test_it(sandbox):
    st = sandbox.status()
    print(st)
    sub = next(r for r in st["roles"] if r["role"] == "submission")
    with submission_client(sub, sandbox.ca_file) as c:
        c.login("john", PASSPHRASE)
        c.sendmail("john@our.test", ["someone@ext.test"], MESSAGE)
        c.quit()
    sandbox.settle()
    print(sandbox.restart("relay", "our.test"))
    m = maildrop.list_mails(sandbox.mail_folder, "someone@ext.test")
    print(maildrop.read_mail(sandbox.mail_folder, "someone@ext.test", m[0].key))
    assert len(m) == 1
