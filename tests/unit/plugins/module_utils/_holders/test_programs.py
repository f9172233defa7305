# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders.programs import is_interpreter, program


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python3 /opt/shop/manage.py runserver 0:80", "/opt/shop/manage.py"),
        ("python3.11 -u -W ignore app.py --token s3cret", "app.py"),
        ("python3 -m http.server 8000", "http.server"),
        ("python3 -um http.server 8000", "http.server"),
        ("python3 -Wignore app.py", "app.py"),
        ("python3 -c s3cret", None),
        ("python3 -uc s3cret", None),
        ("python3 -ms3cret", None),
        ("python3 -W", None),
        ("python3 -", None),
        ("python3", None),
        ("python3 -- app.py", "app.py"),
        ("python3 --unknown s3cret app.py", None),
        ("pypy3 app.py", "app.py"),
        ("java -Xmx1G -Dpassword=s3cret -cp /opt/kafka/libs/* kafka.Kafka server.properties", "kafka.Kafka"),
        ("java -jar /opt/app/app.jar --password s3cret", "/opt/app/app.jar"),
        ("java -javaagent:/a.jar --add-opens java.base/java.lang=ALL-UNNAMED -m shop/shop.Main", "shop/shop.Main"),
        ("java --enable-preview Main.java", "Main.java"),
        ("java --unknown s3cret Main", None),
        ("java @/etc/s3cret", None),
        ("java -cp", None),
        ("node --max-old-space-size=4096 -r dotenv/config server.js", "server.js"),
        ("nodejs --inspect server.js s3cret", "server.js"),
        ("node -e s3cret", None),
        ("node --title s3cret", None),
        ("ruby -rbundler/setup -I lib bin/puma -p 3000", "bin/puma"),
        ("ruby3.1 -W0 -S rackup", "rackup"),
        ("ruby -e s3cret", None),
        ("perl -w -Mstrict -I /opt/lib /usr/sbin/munin-node", "/usr/sbin/munin-node"),
        ("perl -ne s3cret", None),
        ("php -d display_errors=1 -f worker.php", "worker.php"),
        ("php8.2 artisan queue:work", "artisan"),
        ("php -S 0.0.0.0:8000 -t public", None),
        ("php -r s3cret", None),
        ("bash -o pipefail /opt/run.sh s3cret", "/opt/run.sh"),
        ("sh -c s3cret", None),
        ("sh -ec s3cret", None),
        ("bash --login /opt/run.sh", "/opt/run.sh"),
        ("python3 /usr/bin/gunicorn -w 4 -b 0.0.0.0:80 shop.wsgi:app", "gunicorn shop.wsgi:app"),
        ("python3 /usr/bin/gunicorn --reload shop.wsgi", "gunicorn shop.wsgi"),
        ("python3 -m uvicorn main:app --port 8000", "uvicorn main:app"),
        ("python3 -m uvicorn --header X:s3cret main:app", "uvicorn main:app"),
        ("python3 /usr/bin/gunicorn --env token.s3cret --user www", "/usr/bin/gunicorn"),
        ("python3 /usr/bin/celery -A shop worker", "celery shop"),
        ("python3 /usr/bin/celery --app=shop.tasks worker", "celery shop.tasks"),
        ("nginx -c /etc/nginx.conf", None),
        ("php-fpm8.2 --nodaemonize", None),
    ],
)
def test_program(line, expected):
    arguments = line.split(" ")
    assert program(f"/usr/bin/{arguments[0]}", arguments) == expected


@pytest.mark.parametrize(
    "executable", ["/usr/bin/python3.11", "java", "/opt/node/bin/node", "/bin/sh", "/usr/bin/bash"]
)
def test_interpreters(executable):
    assert is_interpreter(executable)


@pytest.mark.parametrize(
    "executable", [None, "", "/usr/sbin/nginx", "/usr/sbin/php-fpm8.2", "sshd", "/usr/bin/pythonx"]
)
def test_no_interpreters(executable):
    assert not is_interpreter(executable)
    assert program(executable, [executable or "", "/opt/app.py"]) is None
