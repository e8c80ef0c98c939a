import django.core.serializers.json
import django.db.models.deletion
from django.db import migrations, models

import liveops.models


class Migration(migrations.Migration):
    dependencies = [
        ("liveops", "0005_security"),
    ]

    operations = [
        migrations.AlterField(
            model_name="controlrecord",
            name="action",
            field=models.CharField(
                choices=[
                    ("cancel", "cancelled"),
                    ("resume", "resumed"),
                    ("restart", "started again"),
                    ("go_on", "went on by itself"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="cancel_requested",
            field=models.BooleanField(
                default=False, editable=False, verbose_name="cancel requested"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="cancelled",
            field=models.BooleanField(default=False, editable=False, verbose_name="cancelled"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="current_stage",
            field=models.IntegerField(default=-1, editable=False, verbose_name="current stage"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="declared_stages",
            field=models.JSONField(editable=False, null=True, verbose_name="declared stages"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="enqueued_on",
            field=models.DateTimeField(editable=False, null=True, verbose_name="enqueued on"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="finished_successfully",
            field=models.BooleanField(
                default=False, editable=False, verbose_name="finished successfully"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="hand_overs",
            field=models.PositiveSmallIntegerField(
                default=0, editable=False, verbose_name="times handed over"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="interrupted",
            field=models.BooleanField(default=False, editable=False, verbose_name="interrupted"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="is_dry_run",
            field=models.BooleanField(default=False, editable=False, verbose_name="dry run"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="language",
            field=models.CharField(
                default=liveops.models.current_language,
                editable=False,
                max_length=35,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="next_operation",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="previous_operation",
                to="liveops.liveoperation",
                verbose_name="next operation",
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="operation_type",
            field=models.CharField(
                default="", editable=False, max_length=255, verbose_name="operation type"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="result_context",
            field=models.JSONField(
                blank=True,
                editable=False,
                encoder=django.core.serializers.json.DjangoJSONEncoder,
                null=True,
                verbose_name="result",
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="resumes_left",
            field=models.PositiveSmallIntegerField(
                editable=False, null=True, verbose_name="resumes left"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="run_id",
            field=models.UUIDField(editable=False, null=True, verbose_name="id of the run"),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="stage_states",
            field=models.JSONField(
                blank=True, default=dict, editable=False, verbose_name="stage states"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="stages_to_run",
            field=models.JSONField(
                blank=True, editable=False, null=True, verbose_name="stages to run"
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="state",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(cancelled=True, then=models.Value("CANCELLED")),
                    models.When(interrupted=True, then=models.Value("INTERRUPTED")),
                    models.When(
                        finished_on__isnull=False,
                        finished_successfully=True,
                        then=models.Value("FINISHED_OK"),
                    ),
                    models.When(finished_on__isnull=False, then=models.Value("FINISHED_ERROR")),
                    models.When(started_on__isnull=False, then=models.Value("STARTED")),
                    default=models.Value("NOT_STARTED"),
                ),
                output_field=models.CharField(max_length=16),
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="liveoperation",
            name="traceback",
            field=models.TextField(
                blank=True, default="", editable=False, verbose_name="traceback"
            ),
        ),
    ]
