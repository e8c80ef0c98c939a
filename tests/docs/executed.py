"""Which test executes which block of the pages.

A block is named by its language and the beginning of its first line; what is shorter stands for
all of the page that begin so. A page may be a pattern; rows that name it go first, and of those
the one that says most.
"""

from collections.abc import Mapping

Pages = Mapping[str, tuple[str, ...]]

FILES = "python # "
"""All python blocks whose first line is a comment, which names their file."""

SESSIONS = "console $ "
INSTALLS = "console $ pip install "

GUIDES, SNIPPETS = "docs/test_guides.py::", "docs/test_snippets.py::"
OUTPUT, UNITS = "docs/test_shown_output.py::", "docs/test_units.py::"
PROXIES, RUNNERS = "acceptance/proxies/", "acceptance/runners/test_pages.py::"
POSTGRESQL = "integration/test_partitioned_log.py::"
SCRIPTS_IMPORT = "python from liveops.scripts import HelpFormatter"
WITH_QUEUE = "python from typing import Any, ClassVar"

EXECUTED: dict[str, Pages] = {
    # Pages that are played as they stand.
    "docs/test_examples.py::test_a_session_prints_what_is_written": {
        "how-to/scripts.md": (FILES, SESSIONS),
        "reference/scripts.md": (FILES, SESSIONS),
        "reference/stages.md": (FILES, SESSIONS),
    },
    "docs/test_operation_examples.py::test_a_session_prints_what_is_written": {
        "how-to/commands.md": (FILES, SESSIONS),
        "how-to/stage-methods.md": (FILES, SESSIONS),
        "reference/command.md": (SESSIONS,),
    },
    "docs/test_tutorial.py::test_the_tutorial_word_for_word": {
        "tutorial/*": ("python ", SESSIONS),
    },
    "docs/test_readme.py::test_the_example_prints_what_is_written": {
        "../README.md": (f"{SESSIONS}python manage.py",),
    },
    "docs/test_readme.py::test_the_stage_methods_run": {"../README.md": (FILES,)},
    "docs/test_testing.py::test_the_tests_of_the_page_pass_with_django": {
        "how-to/testing.md": ("python # shop/models.py", "python # shop/tests.py"),
    },
    "docs/test_testing.py::test_the_tests_of_the_page_pass_with_pytest_side_by_side": {
        "how-to/testing.md": ("python # shop/test_with_pytest.py", "ini # pytest.ini"),
    },
    "docs/test_cron.py::test_a_session_prints_what_is_written": {
        "how-to/cron.md": (FILES, SESSIONS),
    },
    "docs/test_cron.py::test_the_line_of_the_crontab_mails_nothing_if_all_is_well": {
        "how-to/cron.md": ("text MAILTO",),
    },
    # Sites with the files of a page.
    "docs/test_embedding.py::test_several_share_a_socket": {
        "how-to/embedding.md": (FILES, "django {# shop/templates/shop/panel.html"),
    },
    "docs/test_embedding.py::test_what_htmx_brings_is_followed_and_let_go": {
        "how-to/embedding.md": ("django {# shop/templates/shop/fragment.html",),
    },
    "docs/test_embedding.py::test_a_dialog_brings_one_and_is_emptied": {
        "how-to/embedding.md": ("js // shop/static/shop/dialog.js",),
    },
    "docs/test_embedding.py::test_what_a_script_brings_is_followed_and_let_go": {
        "how-to/embedding.md": ("js // shop/static/shop/show.js",),
    },
    "docs/test_embedding.py::test_a_guest_watches_without_controls": {
        "how-to/embedding.md": ("django {# shop/templates/shop/guest.html",),
    },
    "docs/test_embedding.py::test_a_front_end_of_its_own": {
        "how-to/embedding.md": ("js // shop/static/shop/own.js",),
    },
    "docs/test_embedding.py::test_the_page_in_a_design_of_its_own": {
        "how-to/own-pages.md": (
            "django ",
            "css /* shop/static/shop/design.css",
            "css /* shop/static/shop/utilities.css",
        ),
    },
    "docs/test_embedding.py::test_dark_by_a_class": {
        "how-to/own-pages.md": ("css /* shop/static/shop/dark.css",),
    },
    "docs/test_from_celery_progress.py::test_the_pages_of_the_one_that_was_installed": {
        "how-to/install.md": (FILES, "django {# shop"),
    },
    "docs/test_from_celery_progress.py::test_the_view_that_took_the_place_of_the_old_one": {
        "how-to/from-celery-progress.md": ("python # shop/adding.py", "django "),
    },
    "docs/test_from_celery_progress.py::test_what_came_of_the_operations": {
        "how-to/from-celery-progress.md": ("python # shop/models.py",),
    },
    "docs/test_from_celery_progress.py::test_code_that_stays_can_speak_to_p": {
        "how-to/from-celery-progress.md": ("python # shop/recorder.py",),
    },
    "docs/test_from_celery_progress.py::test_what_there_was_before_does_the_same": {
        "how-to/from-celery-progress.md": ("python # before: shop/",),
    },
    "docs/test_from_django_liveops.py::test_rows_and_code_come_over": {
        "how-to/from-django-liveops.md": (FILES, f"{SESSIONS}python manage.py"),
    },
    "docs/test_from_staged_script.py::test_only_the_import_is_another_one": {
        "how-to/from-staged-script.md": (
            "python # before: nightly.py",
            "python from liveops.scripts",
            f"{SESSIONS}python nightly.py",
        ),
    },
    "docs/test_from_staged_script.py::test_the_operation_runs": {
        "how-to/from-staged-script.md": (
            "python # shop/models.py",
            f"{SESSIONS}python manage.py",
        ),
    },
    "docs/test_from_celery_progress.py::test_the_project_has_what_the_page_adds": {
        "how-to/install.md": (
            "python INSTALLED_APPS",
            "python DATABASES",
            "python import os",
            f"{SESSIONS}python manage.py check",
        ),
    },
    f"{RUNNERS}test_a_page_works_by_pasting": {
        "how-to/celery.md": (FILES, f"{SESSIONS}python manage.py check"),
        "how-to/django-tasks.md": (FILES, f"{SESSIONS}python manage.py check"),
    },
    # Guides in one site.
    f"{GUIDES}test_a_chain_goes_on": {"how-to/chaining.md": (FILES,)},
    f"{GUIDES}test_the_admin_shows_a_class_as_it_is_told": {"how-to/admin.md": (FILES,)},
    f"{GUIDES}test_an_operation_that_goes_on_by_itself": {
        "how-to/reaping.md": ("python # shop/models.py",),
    },
    f"{GUIDES}test_an_operation_leaves_off_and_goes_on_there": {
        "how-to/shutdown.md": ("python # settings.py", "python # shop/models.py"),
    },
    f"{GUIDES}test_the_socket_asks_where_a_page_is_from": {
        "how-to/shutdown.md": ("python # mysite/asgi.py",),
    },
    f"{GUIDES}test_a_page_leads_on_or_stays_with_its_parts_and_a_link": {
        "how-to/own-pages.md": (FILES, "django {# shop/templates/shop/price_list"),
    },
    f"{GUIDES}test_a_secret_is_in_no_log": {"how-to/secrets.md": (FILES, "text $ upload")},
    f"{GUIDES}test_words_and_languages": {
        "how-to/translating.md": (
            FILES,
            "python from shop.models import Publish",
            "text # locale/de/LC_MESSAGES/django.po",
        ),
    },
    f"{GUIDES}test_a_rule_of_its_own_holds_for_pages_and_lists": {
        "how-to/permissions.md": ("python from django.db",),
    },
    f"{GUIDES}test_somebody_without_an_account_watches": {
        "how-to/permissions.md": ("html ", "python # shop/views.py: gives"),
    },
    # Pieces of code.
    f"{SNIPPETS}test_settings_are_right": {
        "how-to/observe.md": ("python LIVEOPS = {",),
        "how-to/reaping.md": ("python LIVEOPS = {",),
    },
    f"{SNIPPETS}test_somebody_who_may_start_no_more_is_told": {
        "how-to/limits.md": (
            'python LIVEOPS = {"MAX_RUNNING',
            "python from liveops.exceptions import TooManyRunningError",
        ),
    },
    f"{SNIPPETS}test_pages_lead_to_the_hosts_that_are_named": {
        "how-to/limits.md": ('python LIVEOPS = {"REDIRECT',),
    },
    f"{SNIPPETS}test_what_the_patterns_are_for_is_masked": {
        "how-to/secrets.md": ("python LIVEOPS = {",),
    },
    f"{SNIPPETS}test_the_marked_variable_is_in_no_traceback": {
        "how-to/secrets.md": ("python from django.views.decorators.debug",),
    },
    f"{SNIPPETS}test_metrics_are_served": {
        "how-to/observe.md": ("python from django.http import HttpResponse",),
    },
    f"{SNIPPETS}test_a_runner_of_its_own": {
        "reference/settings.md": ("python from liveops.models",),
    },
    f"{SNIPPETS}test_a_renamed_class_has_its_new_name_in_its_rows": {
        "how-to/upgrading.md": ("python from django.db import migrations",),
    },
    f"{SNIPPETS}test_celery_is_told_the_queue_that_its_worker_takes": {
        "how-to/celery.md": (WITH_QUEUE, f"{SESSIONS}celery -A mysite worker --queues"),
    },
    f"{SNIPPETS}test_the_backend_of_tasks_knows_the_queue": {
        "how-to/django-tasks.md": (WITH_QUEUE, "python TASKS"),
    },
    f"{SNIPPETS}test_groups_are_spread_over_the_servers_of_a_layer": {
        "explanation/scaling.md": ("python CHANNEL_LAYERS",),
    },
    f"{SNIPPETS}test_a_task_of_django_reaps": {
        "how-to/reaping.md": ("python # shop/tasks.py, with Django's tasks",),
    },
    f"{SNIPPETS}test_settings_of_several_machines_go_together": {
        "how-to/several-machines.md": ("python # settings.py",),
    },
    f"{SNIPPETS}test_what_is_imported_is_there": {
        "how-to/scripts.md": (SCRIPTS_IMPORT,),
        "reference/scripts.md": ("python from liveops.scripts import ",),
    },
    "docs/test_commands.py::test_the_task_for_celery_beat_reaps": {
        "how-to/reaping.md": ("python # shop/tasks.py", "python # mysite/settings.py"),
    },
    "docs/test_observing.py::test_every_message_is_listed_with_its_fields": {
        "how-to/observe.md": (FILES,),
    },
    "docs/test_observing.py::test_the_receiver_of_the_page_is_called": {
        "reference/signals.md": (FILES,),
    },
    f"{POSTGRESQL}test_the_log_goes_on_in_parts": {"explanation/scaling.md": ("sql BEGIN;",)},
    f"{POSTGRESQL}test_rows_of_progress_leave_room_on_their_pages": {
        "explanation/scaling.md": ("console $ psql -c",),
    },
    f"{POSTGRESQL}test_only_one_begins_where_it_takes_a_lock": {
        "how-to/cron.md": ("python from django.db import connection",),
    },
    f"{POSTGRESQL}test_a_connection_has_the_options_of_the_page": {
        "how-to/postgresql.md": ("python # mysite/settings.py",),
    },
    "js/documents.test.mjs::a listener hears of the states of operations": {
        "reference/javascript.md": ('js document.addEventListener("liveop:state"',),
    },
    "docs/test_shell_completion.py::test_names_and_classes_are_completed": {
        "how-to/shell-completion.md": ("bash _manage_py()",),
    },
    # What is printed and sent, and what starts processes.
    f"{OUTPUT}test_a_reaper_says_what_it_did": {"how-to/reaping.md": (SESSIONS,)},
    f"{OUTPUT}test_pruning_says_what_it_did": {"how-to/pruning.md": (SESSIONS, "text 30 3 * * *")},
    f"{OUTPUT}test_operations_that_would_be_refused_are_found": {
        "how-to/upgrading.md": (f"{SESSIONS}python manage.py liveops_list",),
    },
    f"{OUTPUT}test_lists_go_through_pipes": {"reference/commands.md": (SESSIONS,)},
    f"{OUTPUT}test_a_resume_that_is_refused_names_the_changes": {
        "reference/commands.md": ("text CommandError:",),
    },
    f"{OUTPUT}test_the_report_of_a_check": {"reference/checks.md": ("text ?: (liveops.W003)",)},
    f"{OUTPUT}test_the_file_of_a_log": {"reference/log.md": ("text 2026-",)},
    f"{OUTPUT}test_signals_come_in_the_order_that_is_shown": {
        "reference/signals.md": ("text operation_claimed",),
    },
    "startop/test_written.py::test_the_page_of_commands_shows_what_it_says": {
        "reference/commands.md": ("text Wrote ",),
    },
    "docs/test_look.py::test_the_rule_that_is_shown_sets_what_there_is": {
        "reference/styling.md": ("css .liveop,",),
    },
    "docs/test_docs.py::test_frames_from_the_page_are_understood": {
        "reference/wire.md": ("json ",)
    },
    "docs/test_reference.py::test_the_chart_and_the_table_have_every_phase": {
        "reference/stages.md": ("mermaid ",),
    },
    f"{UNITS}test_the_timer_starts_what_cron_starts": {
        "how-to/cron.md": ("ini # shop-nightly.service",),
    },
    f"{UNITS}test_the_timer_of_the_reaper_starts_what_cron_starts": {
        "how-to/reaping.md": ("ini # liveops-reap.service", "text * * * * *"),
    },
    f"{UNITS}test_the_service_starts_the_server_that_the_page_starts": {
        "how-to/servers.md": ("ini # /etc/systemd/system/mysite.service",),
    },
    f"{UNITS}test_the_containers_are_those_of_the_project": {
        "how-to/several-machines.md": ("console $ docker compose ",),
    },
    f"{PROXIES}test_servers.py::test_a_server_serves_a_socket_and_stops_in_good_order": {
        "how-to/servers.md": ("console $ daphne",),
    },
    f"{PROXIES}test_proxies.py::test_a_page_is_live_and_its_controls_work": {
        "how-to/proxies.md": ("console $ daphne", FILES, "nginx ", "text www.example.com {"),
    },
    "docs/test_contributing.py::test_the_tests_that_are_run_by_hand_are_there": {
        "../CONTRIBUTING.md": (SESSIONS,),
    },
    "docs/test_installs.py::test_what_is_installed_exists": {
        "*": (INSTALLS, "console $ pip uninstall "),
    },
}

READ_OTHERWISE = {
    "js/documents.test.mjs::a listener hears of the states of operations",
    "docs/test_docs.py::test_frames_from_the_page_are_understood",
}
"""Tests that do not take blocks by the readers of `pages.py`: in JavaScript, or of all pages."""
