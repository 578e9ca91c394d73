"""Verifiers: independent looks at the target, with read-only credentials of their own, attested by their own key.

    service ──▶ attesting ──▶ observe
    config ──▶ observe (the port) ◀── sight: file_digest, exit_code, git_ref

They use the walk, the templates and the spawning of ``vienna_runtime.executors``, never its means: nothing here can
change a target on purpose.
"""
