"""HAProxy 2.8 in front of the gateway: ports 80 and 443, certificates by SNI, statistics, checks. Pure.

Its configuration and certificates lie in one Secret. The agent beside it tells the master process to reload when the
files have changed; old workers end their requests, no connection is refused. Which pages of the web may read what is
answered at which host lies in a map of its own, which changes with the clinics and is given to the running worker.
"""

from __future__ import annotations

from collections.abc import Mapping

from atendeai_operator.api import names
from atendeai_operator.gateway import model
from atendeai_operator.gateway.model import FORGEABLE_HEADERS, PROXY_PORT, STATUS_PORT, Edge
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, secret
from atendeai_operator.objects.workloads import account, budget, deployment, service
from atendeai_operator.stack.build.gateway import AGENT, AGENT_UID, STATUS_PATH
from atendeai_operator.stack.plan import LoadBalancerPlan, StackPlan

COMPONENT = "haproxy"
HTTP, HTTPS, STATS = 8080, 8443, 8404
UID = 99  # of the user haproxy, in both images
CONFIG_DIR = "/etc/haproxy"
RUN_DIR = "/var/run/haproxy"
SOCKET = f"{RUN_DIR}/master.sock"
# Time for every node to send new connections elsewhere: a busy one has been seen to need more than four seconds.
FAREWELL_SECONDS = 10
MAX_CONNECTIONS = 8_000  # two files each: within a limit of 20000, which some engines set

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("Bad Request", "This is not a request that can be understood."),
    408: ("Request Timeout", "The request did not arrive in time."),
    429: ("Too Many Requests", "This address asks too often."),
    500: ("Internal Server Error", "Something went wrong."),
    502: ("Bad Gateway", "The service answered something that cannot be understood."),
    503: ("Service Unavailable", "No service can answer at this moment."),
    504: ("Gateway Timeout", "The service did not answer in time."),
}

_HEAD = """\
# Written by the AtendeAI operator; changes are put right.
global
    log stdout format raw local0 notice
    maxconn {maxconn}
    # the gateway, not this, decides about long headers: it answers in the form all errors have
    tune.bufsize 65536
    tune.maxrewrite 8192
    hard-stop-after 30s
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256

resolvers kube
    parse-resolv-conf
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 2s
    hold obsolete 2s
    hold nx 2s
    hold timeout 30s
    hold refused 30s
    hold other 30s

defaults
    mode http
    log global
    # Failures only, and nothing that could name a person: neither address nor path.
    option dontlog-normal
    option log-separate-errors
    log-format "{log_format}"
    option http-keep-alive
    option redispatch 1
    retries 3
    # a request of which nothing was read by a gateway is given to another
    retry-on conn-failure empty-response
    timeout connect 1s
    timeout http-request 10s
    timeout http-keep-alive 75s
    timeout client 65s
    timeout server 65s
    timeout queue 5s
"""
_LOG_FORMAT = (
    '{\\"event\\":\\"edge.failure\\",\\"level\\":\\"warning\\",\\"status\\":%ST,\\"state\\":\\"%tsc\\",'
    '\\"server\\":\\"%s\\",\\"method\\":\\"%HM\\",\\"milliseconds\\":%Ta,\\"retries\\":\\"%rc\\"}'
)
_FRONTENDS = """
frontend http
    bind :{http}
    acl has_host req.hdr(host) -m found
    # the redirect names the host alone: the port of the other side is not known here
    http-request redirect code 308 location https://%[req.hdr(host),field(1,:),lower]%[pathq] if has_host
    http-request return status 400 default-errorfiles

frontend https
    bind :{https} ssl crt-list {directory}/certificates.txt alpn h2,http/1.1
    # An old worker answers a connection's next request before it ends it: who sends while one ends gets nothing.
    option idle-close-on-response
    # Rules go by the path as it is written, and a gateway might read another: nobody who means well writes this one.
    http-request return status 400 {dotted} if {{ path -i -m reg '{dots}' }}
    # what a client says about itself that only we may say
    http-request del-header X-Forwarded-For
    http-request del-header X-Real-IP
    http-request del-header X-Request-ID
{forgeable}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Port 443
    # Services answer CORS themselves. What is answered in their place says the same, or no page could read it.
    http-request set-var(txn.paged) bool(true) if {{ path_beg {cors_path} }}
    http-request set-var(txn.origin) req.fhdr(origin) if {{ path_beg {cors_path} }}
    http-request set-var(txn.reads) {key},map_str({directory}/{origins}) if {{ var(txn.origin) -m found }}
    acl may_read var(txn.reads) -m found
    acl said_by_us var(txn.ours) -m bool
    http-request return status 204 {preflight} if METH_OPTIONS {{ {asks} -m found }} may_read
    http-after-response set-var(txn.ours) bool(true) if may_read !{{ res.hdr(access-control-allow-origin) -m found }}
    http-after-response set-header Access-Control-Allow-Origin %[var(txn.origin)] if said_by_us
{credentials}    http-after-response set-header Access-Control-Expose-Headers "{exposed}" if said_by_us
    # Also to who is no such page: what is kept of an answer for one must not be given to the other.
    http-after-response add-header Vary Origin if {{ var(txn.paged) -m bool }} !{{ res.hdr(vary) -i -m str origin }}
    # Only webhooks may be given twice: they are stored once. Anything else that changes something is not repeated. What
    # is not here as a whole could not be repeated, and its client's connection would end without an answer.
    http-request wait-for-body time 10s if {{ path_beg /webhook/ }}
    http-request disable-l7-retry if !{{ path_beg /webhook/ }} !{{ method GET HEAD OPTIONS }}
    http-response del-header Server
    default_backend gateway

backend gateway
    balance leastconn
    option httpchk
    http-check send meth GET uri {status_path} ver HTTP/1.1 hdr Host gateway
    http-check expect status 200
    default-server check port {status} inter 1s fastinter 500ms fall 2 rise 1
    default-server observe layer4 error-limit 3 on-error mark-down
    default-server resolvers kube init-addr none resolve-prefer ipv4
    server-template gateway {slots} {gateway}:{proxy}

frontend status
    bind :{stats}
    option dontlog-normal
    http-request use-service prometheus-exporter if {{ path /metrics }}
    monitor-uri /healthz
    stats enable
    stats uri /stats
    stats refresh 10s
    stats show-legends
"""

_DOTS = r"(^|[/\\]|%2f|%5c)(\.|%2e){1,2}([/\\;]|%2f|%5c|%3b|$)"
"""A segment . or .. of a path, also where it, or what is around it, is written with percent signs."""

_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": model.CORS_METHODS,
    "Access-Control-Allow-Headers": model.CORS_REQUEST_HEADERS,
    "Access-Control-Max-Age": str(model.CORS_PREFLIGHT_SECONDS),
}
_CREDENTIALS = "    http-after-response set-header Access-Control-Allow-Credentials true if said_by_us\n"


def configuration(gateway: str, gateway_replicas: int, *, directory: str = CONFIG_DIR, credentials: bool = True) -> str:
    """Return haproxy.cfg.

    `gateway` is the name under which DNS gives the addresses of all gateway pods; `credentials` says whether pages of
    the web may send credentials.
    """
    text = _HEAD.format(maxconn=MAX_CONNECTIONS, log_format=_LOG_FORMAT)
    text += "".join(f"    http-error status {status} {_problem(status, *words)}\n" for status, words in _ERRORS.items())
    return text + _FRONTENDS.format(
        http=HTTP,
        https=HTTPS,
        stats=STATS,
        directory=directory,
        dots=_DOTS,
        dotted=_problem(400, "Bad Request", "The path has . or .. as a segment: write the path that is meant."),
        cors_path=model.CORS_PATH,
        key="req.fhdr(host),field(1,:),lower,concat(|,txn.origin)",
        origins=model.ORIGINS_FILE,
        preflight=" ".join(f'hdr {name} "{value}"' for name, value in _PREFLIGHT.items()),
        asks="req.hdr(access-control-request-method)",
        credentials=_CREDENTIALS if credentials else "",
        exposed=model.CORS_EXPOSED_HEADERS,
        forgeable="\n".join(f"    http-request del-header {header}" for header in FORGEABLE_HEADERS),
        status_path=STATUS_PATH,
        status=STATUS_PORT,
        # one more than run, for the pod that comes before an old one goes
        slots=gateway_replicas + 1,
        gateway=gateway,
        proxy=PROXY_PORT,
    )


def _problem(status: int, title: str, detail: str) -> str:
    body = f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}'
    retry = " hdr Retry-After 1" if status in (429, 503) else ""
    return f"content-type application/problem+json string '{body}'{retry}"


def certificate_list(plan: LoadBalancerPlan, *, directory: str = CONFIG_DIR) -> str:
    """Return the list of certificates: the first is given to every host that no other line names."""
    lines = [f"{directory}/default.pem"]
    lines += [f"{directory}/{entry.name}.pem {' '.join(entry.hosts)}" for entry in plan.certificates]
    return "\n".join(lines) + "\n"


def origins(edge: Edge) -> str:
    """Return the map of pairs of a host and an origin whose pages may read what is answered there."""
    return "".join(f"{host}|{origin} 1\n" for host, origin in edge.origins)


def files(plan: StackPlan, *, directory: str = CONFIG_DIR) -> dict[str, str | bytes]:
    """Return all files of the configuration directory by name."""
    wanted = plan.load_balancer
    gateway = f"{names.child(plan.name, 'gateway-pods')}.{plan.owner.namespace}.svc.cluster.local"
    found: dict[str, str | bytes] = {
        "haproxy.cfg": configuration(
            gateway, plan.gateway.replicas, directory=directory, credentials=plan.edge.credentials
        ),
        model.ORIGINS_FILE: origins(plan.edge),
        "certificates.txt": certificate_list(wanted, directory=directory),
        "default.pem": _pem(wanted.tls.certificate, wanted.tls.key),
    }
    found |= {f"{entry.name}.pem": _pem(entry.tls.certificate, entry.tls.key) for entry in wanted.certificates}
    return found


def _pem(certificate: bytes, key: bytes) -> bytes:
    return certificate.rstrip() + b"\n" + key.rstrip() + b"\n"


def objects(plan: StackPlan) -> list[Object]:
    """Return the load balancer's objects."""
    name, owner, wanted = names.child(plan.name, COMPONENT), plan.owner, plan.load_balancer
    found = [
        account(name, owner, COMPONENT),
        secret(name, owner, COMPONENT, files(plan)),
        _service(plan, name),
        service(names.child(plan.name, f"{COMPONENT}-stats"), owner, COMPONENT, {"stats": STATS}),
        deployment(name, owner, COMPONENT, wanted.replicas, _pod(plan, name)),
    ]
    if wanted.replicas > 1:
        found.append(budget(name, owner, COMPONENT))
    return found


def _service(plan: StackPlan, name: str) -> Object:
    wanted = plan.load_balancer
    ports = {"http": (80, "http"), "https": (443, "https")}
    extra: Object = {"type": wanted.service_type}
    if wanted.service_type == "LoadBalancer":
        extra["externalTrafficPolicy"] = "Local"  # keeps the client's address, which limits are counted by
    found = service(name, plan.owner, COMPONENT, ports, **extra)
    if wanted.node_ports is not None:
        chosen = {"http": wanted.node_ports.http, "https": wanted.node_ports.https}
        for port in found["spec"]["ports"]:
            port["nodePort"] = chosen[port["name"]]
    return found


def _pod(plan: StackPlan, name: str) -> Object:
    proxy = {
        "name": COMPONENT,
        "image": plan.images.haproxy,
        "command": ["haproxy", "-W", "-db", "-S", f"{SOCKET},mode,660", "-f", f"{CONFIG_DIR}/haproxy.cfg"],
        "ports": [
            {"name": "http", "containerPort": HTTP, "protocol": "TCP"},
            {"name": "https", "containerPort": HTTPS, "protocol": "TCP"},
            {"name": "stats", "containerPort": STATS, "protocol": "TCP"},
        ],
        "startupProbe": _health(1, 60),
        "readinessProbe": _health(3, 2),
        "livenessProbe": _health(30, 3),
        "lifecycle": {"preStop": {"sleep": {"seconds": FAREWELL_SECONDS}}},
        "resources": pods.resources(plan.load_balancer.resources),
        "securityContext": pods.harmless(),
        "volumeMounts": [pods.mount("config", CONFIG_DIR), pods.mount("run", RUN_DIR, read_only=False)],
    }
    agent = {
        "name": "agent",
        "image": plan.images.operator,
        "command": ["python3", "-m", "atendeai_operator.gateway.agent", "haproxy"],
        "args": ["--watch", CONFIG_DIR, "--socket", SOCKET],
        "resources": pods.resources(AGENT),
        "securityContext": {**pods.harmless(), "runAsUser": AGENT_UID},
        "volumeMounts": [pods.mount("config", CONFIG_DIR), pods.mount("run", RUN_DIR, read_only=False)],
    }
    return pods.pod(
        [proxy, agent],
        image=plan.migration.image,  # for its pull secrets: they are the whole stack's
        account=name,
        security=pods.as_user(UID, own_volumes=True),
        volumes=[pods.secret_volume("config", name), pods.scratch("run")],
        spread_over=plan.owner.selector(COMPONENT) if plan.load_balancer.replicas > 1 else None,
        grace=45,
        dnsConfig={"options": [{"name": "ndots", "value": "2"}]},
    )


def _health(period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": "/healthz", "port": "stats"},
        "periodSeconds": period,
        "timeoutSeconds": 3 if period < 10 else 10,  # noqa: PLR2004 - the slow one is the liveness probe
        "failureThreshold": failures,
    }
